using System.Security.Cryptography;

namespace Mayfly.Crypto;

/// <summary>
/// Encrypts a secret under a 32-byte key: AES-256-GCM with a random nonce, bound to a context.
/// <code>format (1) | nonce (12) | ciphertext | tag (16)</code>
/// For keys that wrap few things (a root key, an unseal key); records go through <see cref="Keyring"/>.
/// </summary>
public static class KeyWrap
{
    private const byte Format = 1;
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int KeySize = 32;

    /// <summary>Encrypts <paramref name="secret"/>; only the same key and context open it again.</summary>
    public static byte[] Wrap(ReadOnlySpan<byte> key, ReadOnlySpan<byte> context, ReadOnlySpan<byte> secret)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeySize);
        var wrapped = new byte[1 + NonceSize + secret.Length + TagSize];
        wrapped[0] = Format;
        var nonce = wrapped.AsSpan(1, NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var cipher = new AesGcm(key, TagSize);
        cipher.Encrypt(
            nonce,
            secret,
            wrapped.AsSpan(1 + NonceSize, secret.Length),
            wrapped.AsSpan(^TagSize..),
            context
        );
        return wrapped;
    }

    /// <summary>The secret, or null when the key or context is another one, or the bytes were changed.</summary>
    public static SecretBytes? Unwrap(ReadOnlySpan<byte> key, ReadOnlySpan<byte> context, ReadOnlySpan<byte> wrapped)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeySize);
        if (wrapped.Length < 1 + NonceSize + TagSize || wrapped[0] != Format)
        {
            return null;
        }

        var secret = SecretBytes.Rent(wrapped.Length - 1 - NonceSize - TagSize);
        using var cipher = new AesGcm(key, TagSize);
        try
        {
            var ciphertext = wrapped[(1 + NonceSize)..^TagSize];
            cipher.Decrypt(wrapped.Slice(1, NonceSize), ciphertext, wrapped[^TagSize..], secret.Span, context);
            return secret;
        }
        catch (AuthenticationTagMismatchException)
        {
            secret.Dispose();
            return null;
        }
    }
}
