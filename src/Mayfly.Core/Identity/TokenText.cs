using System.Security.Cryptography;
using System.Text;
using Mayfly.Crypto;

namespace Mayfly.Core.Identity;

/// <summary>
/// The form of tokens and accessors. A service token is <c>hvs.</c> and 32 random characters (190 bits); its accessor is
/// a keyed hash of it, so that one record under the accessor serves both look-ups and the token itself is stored nowhere.
/// Safe for concurrent use.
/// </summary>
internal sealed class TokenText : IDisposable
{
    public const string ServicePrefix = "hvs.";
    public const string BatchPrefix = "hvb.";

    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int RandomLength = 24;

    /// <summary>Characters of a service token, its prefix included.</summary>
    public const int ServiceTokenLength = 4 + RandomLength;
    private const int AccessorLength = 24;

    /// <summary>Longer ones are not tokens of ours; batch tokens carry their contents and are the longest.</summary>
    private const int LongestToken = 8192;

    private static readonly byte[] BatchContext = "batch-token"u8.ToArray();

    private readonly Keyring _keyring;
    private readonly HmacSha256 _hmac;

    public TokenText(Keyring keyring)
    {
        _keyring = keyring;
        using var key = keyring.DeriveKey("token-accessor");
        _hmac = new HmacSha256(key.Span);
    }

    public static string NewServiceToken() => ServicePrefix + RandomNumberGenerator.GetString(Alphabet, RandomLength);

    public static bool IsPlausible(string token) => token.Length is > 0 and <= LongestToken;

    public static bool IsBatch(string token) => token.StartsWith(BatchPrefix, StringComparison.Ordinal);

    /// <summary>The keyed hash of a token: what it is known by inside the server.</summary>
    public TokenDigest Digest(string token)
    {
        Span<byte> utf8 = stackalloc byte[256];
        Span<byte> hash = stackalloc byte[32];
        if (token.Length <= 85)
        {
            var length = Encoding.UTF8.GetBytes(token, utf8);
            _hmac.HashData(utf8[..length], hash);
            CryptographicOperations.ZeroMemory(utf8);
        }
        else
        {
            _hmac.HashData(Encoding.UTF8.GetBytes(token), hash);
        }

        return new TokenDigest(hash);
    }

    public static string Accessor(TokenDigest digest) =>
        string.Create(
            AccessorLength,
            digest,
            static (text, digest) =>
            {
                Span<byte> bytes = stackalloc byte[32];
                digest.CopyTo(bytes);
                for (var i = 0; i < text.Length; i++)
                {
                    text[i] = Alphabet[bytes[i] % Alphabet.Length];
                }
            }
        );

    /// <summary>A batch token: its record, encrypted under a data key of its own.</summary>
    public string Batch(TokenEntry entry)
    {
        var record = TokenCodec.Encode(entry);
        var envelope = _keyring.Seal(BatchContext, record);
        return BatchPrefix + System.Buffers.Text.Base64Url.EncodeToString(envelope);
    }

    /// <summary>The record inside a batch token, or null when the token is not one that this vault made.</summary>
    public TokenEntry? OpenBatch(string token)
    {
        var text = token.AsSpan(BatchPrefix.Length);
        var envelope = new byte[System.Buffers.Text.Base64Url.GetMaxDecodedLength(text.Length)];
        var status = System.Buffers.Text.Base64Url.DecodeFromChars(text, envelope, out _, out var length);
        if (status != System.Buffers.OperationStatus.Done)
        {
            return null;
        }

        try
        {
            using var record = _keyring.Open(BatchContext, envelope.AsSpan(0, length));
            return TokenCodec.Decode(record);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    public void Dispose() => _hmac.Dispose();
}

/// <summary>A keyed hash of a token, by value.</summary>
internal readonly struct TokenDigest : IEquatable<TokenDigest>
{
    private readonly UInt128 _high;
    private readonly UInt128 _low;

    public TokenDigest(ReadOnlySpan<byte> hash)
    {
        _high = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(hash);
        _low = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(hash[16..]);
    }

    public void CopyTo(Span<byte> destination)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(destination, _high);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(destination[16..], _low);
    }

    public bool Equals(TokenDigest other) => _high == other._high && _low == other._low;

    public override bool Equals(object? obj) => obj is TokenDigest other && Equals(other);

    public override int GetHashCode() => (int)(ulong)_high;
}
