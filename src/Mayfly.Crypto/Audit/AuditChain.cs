using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Crypto.Audit;

/// <summary>
/// The form in which the lines of an audit log hold together. Every line is a JSON object that ends with
/// <c>,"chain":{"seq":N,"prev":"HEX","hash":"HEX"}}</c>: <c>hash</c> is the SHA-256 of all bytes of the line that stand
/// before <c>,"hash":"</c>, and <c>prev</c> is the hash of the line before (zeros where a chain begins). Checkpoint lines
/// carry a signature of their hash besides, as <c>,"sig":"BASE64"</c> after it.
/// </summary>
public static class AuditChain
{
    /// <summary>Bytes of a hash.</summary>
    public const int HashSize = 32;

    /// <summary>Bytes of a signature: ECDSA on P-256, both numbers at full length.</summary>
    public const int SignatureSize = 64;

    internal const int HashDigits = HashSize * 2;
    internal const int SignatureDigits = 88;
    private const string Domain = "mayfly audit checkpoint 1\n";

    internal static ReadOnlySpan<byte> BeforeSequence => ",\"chain\":{\"seq\":"u8;

    internal static ReadOnlySpan<byte> BeforePrevious => ",\"prev\":\""u8;

    internal static ReadOnlySpan<byte> BeforeHash => "\",\"hash\":\""u8;

    internal static ReadOnlySpan<byte> BeforeSignature => "\",\"sig\":\""u8;

    internal static ReadOnlySpan<byte> End => "\"}}\n"u8;

    /// <summary>More than this stands never between the body of an entry and its end of line.</summary>
    public const int LongestTail = 16 + 20 + 9 + HashDigits + 10 + HashDigits + 9 + SignatureDigits + 4;

    /// <summary>
    /// Writes what follows the body of a line (the body without its closing brace), with room for what <see cref="Seal"/>
    /// fills in.
    /// </summary>
    /// <returns>Bytes written.</returns>
    public static int WriteTail(Span<byte> destination, long sequence, bool signed)
    {
        var at = 0;
        Copy(BeforeSequence, destination, ref at);
        Utf8Formatter.TryFormat(sequence, destination[at..], out var digits);
        at += digits;
        Copy(BeforePrevious, destination, ref at);
        destination.Slice(at, HashDigits).Fill((byte)'0');
        at += HashDigits;
        Copy(BeforeHash, destination, ref at);
        destination.Slice(at, HashDigits).Fill((byte)'0');
        at += HashDigits;
        if (signed)
        {
            Copy(BeforeSignature, destination, ref at);
            destination.Slice(at, SignatureDigits).Fill((byte)'A');
            at += SignatureDigits;
        }

        Copy(End, destination, ref at);
        return at;
    }

    /// <summary>Links a line that ends with what <see cref="WriteTail"/> wrote to the line before, and signs it when there is a key.</summary>
    /// <param name="line">The whole line with its line feed.</param>
    /// <param name="hash">The hash of the line before; becomes the hash of this line.</param>
    /// <param name="key">Signs a checkpoint; null for a line that was made without room for a signature.</param>
    public static void Seal(Span<byte> line, Span<byte> hash, ECDsa? key)
    {
        var signature = key is null ? 0 : BeforeSignature.Length + SignatureDigits;
        var hashAt = line.Length - End.Length - signature - HashDigits;
        var previousAt = hashAt - BeforeHash.Length - HashDigits;
        Convert.TryToHexStringLower(hash, line.Slice(previousAt, HashDigits), out _);
        Sha256.HashData(line[..(hashAt - BeforeHash.Length + 1)], hash);
        Convert.TryToHexStringLower(hash, line.Slice(hashAt, HashDigits), out _);
        if (key is null)
        {
            return;
        }

        Span<byte> signed = stackalloc byte[SignatureSize];
        Span<byte> message = stackalloc byte[Domain.Length + HashSize];
        Message(hash, message);
        key.SignData(message, signed, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        Base64.EncodeToUtf8(
            signed,
            line.Slice(line.Length - End.Length - SignatureDigits, SignatureDigits),
            out _,
            out _
        );
    }

    /// <summary>Whether <paramref name="signature"/> is the signature of a checkpoint with that hash.</summary>
    public static bool Verify(ECDsa key, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature)
    {
        Span<byte> message = stackalloc byte[Domain.Length + HashSize];
        Message(hash, message);
        return key.VerifyData(
            message,
            signature,
            HashAlgorithmName.SHA256,
            DSASignatureFormat.IeeeP1363FixedFieldConcatenation
        );
    }

    /// <summary>The short name of a public key: the first 16 hexadecimal digits of the SHA-256 of its SubjectPublicKeyInfo.</summary>
    public static string KeyId(ReadOnlySpan<byte> subjectPublicKeyInfo) =>
        Convert.ToHexStringLower(SHA256.HashData(subjectPublicKeyInfo).AsSpan(0, 8));

    private static void Message(ReadOnlySpan<byte> hash, Span<byte> message)
    {
        Encoding.ASCII.GetBytes(Domain, message);
        hash.CopyTo(message[Domain.Length..]);
    }

    private static void Copy(ReadOnlySpan<byte> source, Span<byte> destination, ref int at)
    {
        source.CopyTo(destination[at..]);
        at += source.Length;
    }
}
