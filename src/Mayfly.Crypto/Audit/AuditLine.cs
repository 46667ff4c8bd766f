using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace Mayfly.Crypto.Audit;

/// <summary>What the tail of one line says. Nothing has been checked yet.</summary>
public readonly ref struct AuditLine
{
    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdef"u8);

    private readonly int _bodyLength;

    private AuditLine(
        ReadOnlySpan<byte> hashed,
        int bodyLength,
        long sequence,
        ReadOnlySpan<byte> previous,
        ReadOnlySpan<byte> hash,
        ReadOnlySpan<byte> signature
    )
    {
        Hashed = hashed;
        _bodyLength = bodyLength;
        Sequence = sequence;
        PreviousHex = previous;
        HashHex = hash;
        SignatureBase64 = signature;
    }

    /// <summary>The bytes that the hash covers.</summary>
    public ReadOnlySpan<byte> Hashed { get; }

    /// <summary>The entry itself, without its closing brace.</summary>
    public ReadOnlySpan<byte> Body => Hashed[.._bodyLength];

    /// <summary>The line's number.</summary>
    public long Sequence { get; }

    /// <summary>The hash of the line before, as it is written.</summary>
    public ReadOnlySpan<byte> PreviousHex { get; }

    /// <summary>The hash of this line, as it is written.</summary>
    public ReadOnlySpan<byte> HashHex { get; }

    /// <summary>The signature as it is written; empty for an entry.</summary>
    public ReadOnlySpan<byte> SignatureBase64 { get; }

    /// <summary>Whether the line carries a signature.</summary>
    public bool IsCheckpoint => !SignatureBase64.IsEmpty;

    /// <summary>Takes a line apart, with or without its line feed.</summary>
    public static bool TryParse(ReadOnlySpan<byte> line, out AuditLine parsed)
    {
        parsed = default;
        if (!line.IsEmpty && line[^1] == (byte)'\n')
        {
            line = line[..^1];
        }

        var rest = line;
        if (!TakeEnd(ref rest, AuditChain.End[..^1]))
        {
            return false;
        }

        var signature = ReadOnlySpan<byte>.Empty;
        var beforeSignature = rest.Length - AuditChain.SignatureDigits;
        if (beforeSignature > 0 && rest[..beforeSignature].EndsWith(AuditChain.BeforeSignature))
        {
            signature = rest[beforeSignature..];
            rest = rest[..(beforeSignature - AuditChain.BeforeSignature.Length)];
        }

        if (
            !TakeHex(ref rest, out var hash)
            || !TakeEnd(ref rest, AuditChain.BeforeHash)
            || !TakeHex(ref rest, out var previous)
            || !TakeEnd(ref rest, AuditChain.BeforePrevious)
        )
        {
            return false;
        }

        var hashed = line[..(rest.Length + AuditChain.BeforePrevious.Length + AuditChain.HashDigits + 1)];
        var digits = rest.Length - (rest.LastIndexOfAnyExceptInRange((byte)'0', (byte)'9') + 1);
        if (
            digits is 0 or > 19
            || rest[^digits] == (byte)'0'
            || !Utf8Parser.TryParse(rest[^digits..], out long sequence, out var used)
            || used != digits
            || !rest[..^digits].EndsWith(AuditChain.BeforeSequence)
        )
        {
            return false;
        }

        parsed = new AuditLine(
            hashed,
            rest.Length - digits - AuditChain.BeforeSequence.Length,
            sequence,
            previous,
            hash,
            signature
        );
        return true;
    }

    /// <summary>Computes what the hash should be, and compares.</summary>
    public bool HashHolds(Span<byte> hash)
    {
        SHA256.HashData(Hashed, hash);
        Span<byte> hex = stackalloc byte[AuditChain.HashDigits];
        Convert.TryToHexStringLower(hash, hex, out _);
        return hex.SequenceCompareTo(HashHex) == 0;
    }

    private static bool TakeHex(scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> hex)
    {
        hex = default;
        if (rest.Length < AuditChain.HashDigits)
        {
            return false;
        }

        hex = rest[^AuditChain.HashDigits..];
        rest = rest[..^AuditChain.HashDigits];
        return !hex.ContainsAnyExcept(HexDigits);
    }

    private static bool TakeEnd(scoped ref ReadOnlySpan<byte> rest, scoped ReadOnlySpan<byte> end)
    {
        if (!rest.EndsWith(end))
        {
            return false;
        }

        rest = rest[..^end.Length];
        return true;
    }
}
