namespace Mayfly.Client.Redaction;

/// <summary>
/// One form of a secret, as it can be found again without being kept: hashes of its first and last characters, to reject
/// nearly all text cheaply, and a keyed hash of the whole.
/// </summary>
/// <param name="First">The hash of its first <see cref="PatternTable.Window"/> characters.</param>
/// <param name="Last">The hash of its last ones.</param>
/// <param name="Length">In characters.</param>
/// <param name="Mac">The keyed hash of all.</param>
/// <param name="Kind">What belongs to a hit.</param>
internal sealed record SecretPattern(uint First, uint Last, int Length, UInt128 Mac, PatternKind Kind);

/// <summary>What belongs to a hit of a pattern.</summary>
internal enum PatternKind
{
    /// <summary>Just what was found.</summary>
    Text,

    /// <summary>A short value: it counts only where no letter or digit adjoins.</summary>
    WholeWord,

    /// <summary>Base64: characters next to it, which hold a few bits of it, too.</summary>
    Base64,
}
