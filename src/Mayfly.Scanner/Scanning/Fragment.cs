using Mayfly.Scanner.Findings;

namespace Mayfly.Scanner.Scanning;

/// <summary>A piece of text that is looked at as a whole: some tens of kilobytes of a file, or the added lines of a patch.</summary>
/// <param name="Bytes">The text, in UTF-8 or what comes close to it.</param>
/// <param name="Path">The file, with slashes.</param>
/// <param name="FirstLine">The number of its first line.</param>
public sealed record Fragment(ReadOnlyMemory<byte> Bytes, string Path, int FirstLine = 1)
{
    /// <summary>The column (from 1) at which it begins, of a line that had to be cut.</summary>
    public int FirstColumn { get; init; } = 1;

    /// <summary>The link by which the file was found, or "".</summary>
    public string SymlinkFile { get; init; } = "";

    /// <summary>The commit that added it, or null.</summary>
    public CommitInfo? Commit { get; init; }
}
