using Mayfly.Scanner.Findings;

namespace Mayfly.Scanner.Sources;

/// <summary>What a scan found, and what it did not look at.</summary>
/// <param name="Findings">In the order of files and lines; in histories, the newest commit first.</param>
/// <param name="PassedOver">What could not be read, so that nobody takes it for clean.</param>
/// <param name="Bytes">How much text was looked at.</param>
/// <param name="Files">How many files, or patches of files, that was.</param>
/// <param name="BinaryFiles">How many more were left out because they are no text.</param>
/// <param name="Commits">How many commits, in histories.</param>
/// <param name="Failure">Why the source could not be read to its end, or null.</param>
public sealed record ScanResult(
    IReadOnlyList<Finding> Findings,
    IReadOnlyList<PassedOver> PassedOver,
    long Bytes,
    long Files,
    long BinaryFiles,
    long Commits,
    string? Failure
);

/// <summary>Something that could not be read.</summary>
/// <param name="Path">The file or folder.</param>
/// <param name="Reason">Why, without any content.</param>
public sealed record PassedOver(string Path, string Reason);
