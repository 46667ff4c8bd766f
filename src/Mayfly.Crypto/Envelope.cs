using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Mayfly.Crypto;

/// <summary>
/// How an encrypted record is laid out. The header can be exchanged without touching what follows it:
/// <code>
/// format (1) | KEK version (4, big-endian) | wrap nonce (12) | wrapped DEK (32) | wrap tag (16) || ciphertext | tag (16)
/// </code>
/// </summary>
internal readonly ref struct Envelope
{
    public const byte Format = 1;
    public const int NonceSize = 12;
    public const int TagSize = 16;
    public const int DekSize = 32;
    public const int HeaderSize = 1 + sizeof(uint) + NonceSize + DekSize + TagSize;
    public const int Overhead = HeaderSize + TagSize;

    private const int NonceOffset = 1 + sizeof(uint);
    private const int DekOffset = NonceOffset + NonceSize;
    private const int TagOffset = DekOffset + DekSize;

    private readonly ReadOnlySpan<byte> _bytes;

    private Envelope(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    public uint KekVersion => BinaryPrimitives.ReadUInt32BigEndian(_bytes[1..]);

    public ReadOnlySpan<byte> WrapNonce => _bytes.Slice(NonceOffset, NonceSize);

    public ReadOnlySpan<byte> WrappedDek => _bytes.Slice(DekOffset, DekSize);

    public ReadOnlySpan<byte> WrapTag => _bytes.Slice(TagOffset, TagSize);

    public ReadOnlySpan<byte> Ciphertext => _bytes[HeaderSize..^TagSize];

    public ReadOnlySpan<byte> Tag => _bytes[^TagSize..];

    public static bool TryRead(ReadOnlySpan<byte> bytes, out Envelope envelope)
    {
        envelope = new Envelope(bytes);
        return bytes.Length >= Overhead && bytes[0] == Format;
    }

    /// <exception cref="CryptographicException">It is too short, or of another format.</exception>
    public static Envelope Read(ReadOnlySpan<byte> bytes) =>
        TryRead(bytes, out var envelope) ? envelope : throw new CryptographicException("Not an envelope.");

    /// <summary>Writes the fixed part of a header, and gives the parts that a KEK fills.</summary>
    public static void WriteHeader(
        Span<byte> header,
        uint kekVersion,
        out Span<byte> nonce,
        out Span<byte> dek,
        out Span<byte> tag
    )
    {
        header[0] = Format;
        BinaryPrimitives.WriteUInt32BigEndian(header[1..], kekVersion);
        nonce = header.Slice(NonceOffset, NonceSize);
        dek = header.Slice(DekOffset, DekSize);
        tag = header.Slice(TagOffset, TagSize);
    }
}
