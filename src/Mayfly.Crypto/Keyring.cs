using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Mayfly.Crypto;

/// <summary>
/// The keys that protect everything stored: versioned key encryption keys (KEK), the key that encrypts names, and the key
/// that others are derived from. Safe for concurrent use.
/// </summary>
public sealed class Keyring : IDisposable
{
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int DekSize = 32;
    private const int HeaderSize = 1 + 4 + NonceSize + DekSize + TagSize;

    private readonly SecretBytes _kek;
    private readonly SecretBytes _nameMac;
    private readonly Aes _nameCipher;
    private readonly SecretBytes _derivation;
    private readonly AesGcm _wrap;

    private Keyring(SecretBytes kek, SecretBytes nameMac, SecretBytes nameKey, SecretBytes derivation)
    {
        _kek = kek;
        _nameMac = nameMac;
        _derivation = derivation;
        _nameCipher = Aes.Create();
        _nameCipher.SetKey(nameKey.Span);
        nameKey.Dispose();
        _wrap = new AesGcm(kek.Span, TagSize);
    }

    /// <summary>A keyring of fresh keys.</summary>
    public static Keyring Generate() =>
        new(SecretBytes.Random(32), SecretBytes.Random(32), SecretBytes.Random(32), SecretBytes.Random(32));

    /// <summary>
    /// Encrypts under a data key made for this call alone. <paramref name="context"/> is bound to both the value and the
    /// wrapped key, so the envelope opens nowhere else.
    /// </summary>
    public byte[] Seal(ReadOnlySpan<byte> context, ReadOnlySpan<byte> plaintext)
    {
        var envelope = new byte[HeaderSize + plaintext.Length + TagSize];
        Span<byte> dek = stackalloc byte[DekSize];
        RandomNumberGenerator.Fill(dek);
        envelope[0] = 1;
        BinaryPrimitives.WriteUInt32BigEndian(envelope.AsSpan(1), 1);
        var nonce = envelope.AsSpan(5, NonceSize);
        RandomNumberGenerator.Fill(nonce);
        lock (_wrap)
        {
            _wrap.Encrypt(nonce, dek, envelope.AsSpan(17, DekSize), envelope.AsSpan(49, TagSize), context);
        }

        using (var data = new AesGcm(dek, TagSize))
        {
            Span<byte> zero = stackalloc byte[NonceSize];
            zero.Clear();
            data.Encrypt(
                zero,
                plaintext,
                envelope.AsSpan(HeaderSize, plaintext.Length),
                envelope.AsSpan(HeaderSize + plaintext.Length),
                context
            );
        }

        CryptographicOperations.ZeroMemory(dek);
        return envelope;
    }

    /// <summary>Decrypts what <see cref="Seal"/> made with the same context.</summary>
    /// <exception cref="CryptographicException">It was changed, cut, or belongs to another context or keyring.</exception>
    public SecretBytes Open(ReadOnlySpan<byte> context, ReadOnlySpan<byte> envelope)
    {
        if (envelope.Length < HeaderSize + TagSize || envelope[0] != 1)
        {
            throw new CryptographicException("Not an envelope.");
        }

        Span<byte> dek = stackalloc byte[DekSize];
        lock (_wrap)
        {
            _wrap.Decrypt(
                envelope.Slice(5, NonceSize),
                envelope.Slice(17, DekSize),
                envelope.Slice(49, TagSize),
                dek,
                context
            );
        }

        var plaintext = SecretBytes.Rent(envelope.Length - HeaderSize - TagSize);
        using var data = new AesGcm(dek, TagSize);
        CryptographicOperations.ZeroMemory(dek);
        Span<byte> zero = stackalloc byte[NonceSize];
        zero.Clear();
        data.Decrypt(zero, envelope[HeaderSize..^TagSize], envelope[^TagSize..], plaintext.Span, context);
        return plaintext;
    }

    /// <summary>Deterministic encryption of a name within <paramref name="folder"/>: SIV from HMAC-SHA256 and AES-CBC.</summary>
    public byte[] EncryptName(ReadOnlySpan<byte> folder, ReadOnlySpan<byte> name)
    {
        Span<byte> iv = stackalloc byte[16];
        NameIv(folder, name, iv);
        var body = _nameCipher.EncryptCbc(name, iv);
        return [.. iv, .. body];
    }

    /// <summary>Recovers what <see cref="EncryptName"/> encrypted in the same folder.</summary>
    /// <exception cref="CryptographicException">It was changed, or belongs to another folder or keyring.</exception>
    public byte[] DecryptName(ReadOnlySpan<byte> folder, ReadOnlySpan<byte> encrypted)
    {
        var name = _nameCipher.DecryptCbc(encrypted[16..], encrypted[..16]);
        Span<byte> iv = stackalloc byte[16];
        NameIv(folder, name, iv);
        return CryptographicOperations.FixedTimeEquals(iv, encrypted[..16])
            ? name
            : throw new CryptographicException("The name does not authenticate.");
    }

    /// <summary>A 32-byte key for <paramref name="purpose"/> that lives as long as the keyring: it never rotates.</summary>
    public SecretBytes DeriveKey(string purpose)
    {
        var key = SecretBytes.Rent(32);
        HKDF.Expand(HashAlgorithmName.SHA256, _derivation.Span, key.Span, System.Text.Encoding.UTF8.GetBytes(purpose));
        return key;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _kek.Dispose();
        _nameMac.Dispose();
        _derivation.Dispose();
        _nameCipher.Dispose();
        _wrap.Dispose();
    }

    private void NameIv(ReadOnlySpan<byte> folder, ReadOnlySpan<byte> name, Span<byte> iv)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _nameMac.Span);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, folder.Length);
        mac.AppendData(length);
        mac.AppendData(folder);
        mac.AppendData(name);
        mac.GetHashAndReset().AsSpan(0, 16).CopyTo(iv);
    }
}
