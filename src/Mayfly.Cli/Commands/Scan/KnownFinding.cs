using Mayfly.Scanner.Findings;

namespace Mayfly.Cli.Commands.Scan;

/// <summary>A secret of the server in what was scanned. Immutable.</summary>
/// <param name="Finding">As it stands there, which may be an encoding of it.</param>
/// <param name="Text">What that means.</param>
internal sealed record KnownFinding(Finding Finding, string Text)
{
    /// <summary>Says nothing of the secret.</summary>
    public override string ToString() => Finding.ToString();

    /// <summary>
    /// Whether a rule's finding in the same file is of this secret: rules find what is encoded as it stands or as it means, and
    /// a key of many lines by all of them.
    /// </summary>
    public bool Is(Finding other) =>
        other.StartLine <= Finding.EndLine
        && Finding.StartLine <= other.EndLine
        && (IsPart(Finding.Secret, other.Secret) || IsPart(Text, other.Secret));

    private static bool IsPart(string one, string other) =>
        one.Contains(other, StringComparison.Ordinal) || other.Contains(one, StringComparison.Ordinal);
}
