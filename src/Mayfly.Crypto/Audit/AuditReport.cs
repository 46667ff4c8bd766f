namespace Mayfly.Crypto.Audit;

/// <summary>A place in a chain: a line's number and its hash in hexadecimal. Immutable.</summary>
/// <param name="Sequence">The line's number in the chain.</param>
/// <param name="Hash">Its hash, 64 hexadecimal digits.</param>
public sealed record AuditLink(long Sequence, string Hash);

/// <summary>What was found in a log.</summary>
public enum AuditFindingKind
{
    /// <summary>A line's contents do not have the hash that the chain holds.</summary>
    Changed,

    /// <summary>Lines are missing.</summary>
    Removed,

    /// <summary>A line stands where it was not written.</summary>
    Reordered,

    /// <summary>A line stands there twice.</summary>
    Duplicated,

    /// <summary>The end is missing.</summary>
    CutOff,

    /// <summary>The beginning is missing.</summary>
    NoBeginning,

    /// <summary>A line is not part of the chain.</summary>
    Foreign,

    /// <summary>A checkpoint's signature does not hold.</summary>
    BadSignature,

    /// <summary>A checkpoint was signed with another key than the one expected.</summary>
    OtherKey,

    /// <summary>A crash left part of a line.</summary>
    Torn,

    /// <summary>Lines that no checkpoint vouches for.</summary>
    Unsigned,

    /// <summary>Entries that the device could not take; the server said so.</summary>
    Lost,

    /// <summary>Nothing vouches for the end of the log, or for the key.</summary>
    Unconfirmed,
}

/// <summary>One finding. Immutable.</summary>
/// <param name="Line">The line's number in the file, from 1; 0 when it is about the file.</param>
/// <param name="Kind">What it is.</param>
/// <param name="IsProblem">The log is not what the server wrote; otherwise a remark.</param>
/// <param name="Message">For people. It quotes nothing from entries.</param>
public sealed record AuditFinding(long Line, AuditFindingKind Kind, bool IsProblem, string Message);

/// <summary>What to compare a log with. Immutable.</summary>
public sealed record AuditVerifyOptions
{
    /// <summary>The server's public key (SubjectPublicKeyInfo), known from elsewhere; null trusts the key that the log names.</summary>
    public ReadOnlyMemory<byte>? PublicKey { get; init; }

    /// <summary>
    /// A checkpoint that the log must contain: from the file beside it, or from the server. It shows that the end is there.
    /// </summary>
    public AuditLink? Head { get; init; }

    /// <summary>The last line of the file before this one; null when that is not known.</summary>
    public AuditLink? Previous { get; init; }

    /// <summary>More findings are counted, not kept.</summary>
    public int MaximumFindings { get; init; } = 100;
}

/// <summary>The result of verifying one file. Immutable.</summary>
public sealed record AuditReport
{
    /// <summary>Nothing was changed, removed, added, re-ordered or cut off, as far as the chain, its signatures and the given head can tell.</summary>
    public required bool Intact { get; init; }

    /// <summary>Lines of the file.</summary>
    public required long Lines { get; init; }

    /// <summary>Lines that are entries of requests and responses.</summary>
    public required long Entries { get; init; }

    /// <summary>Lines that are signed checkpoints.</summary>
    public required long Checkpoints { get; init; }

    /// <summary>Lines after the last checkpoint: the chain holds them together, but nothing is signed yet.</summary>
    public required long Unsigned { get; init; }

    /// <summary>What the file's first line continues, or null when a chain begins there.</summary>
    public required AuditLink? Continues { get; init; }

    /// <summary>The last line; what the next file continues.</summary>
    public required AuditLink? Last { get; init; }

    /// <summary>Short name of the key that signed, or null when there was no checkpoint.</summary>
    public required string? KeyId { get; init; }

    /// <summary>The key was the one given, rather than the one that the log names.</summary>
    public required bool KeyPinned { get; init; }

    /// <summary>Problems and remarks, in the order of the file.</summary>
    public required IReadOnlyList<AuditFinding> Findings { get; init; }

    /// <summary>Findings beyond the maximum.</summary>
    public required long FurtherFindings { get; init; }
}
