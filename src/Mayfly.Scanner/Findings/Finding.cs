namespace Mayfly.Scanner.Findings;

/// <summary>Something that looks like a secret, and where it stands. Lines and columns count from 1. Immutable.</summary>
public sealed record Finding
{
    /// <summary>The rule that matched.</summary>
    public required string RuleId { get; init; }

    /// <summary>What the rule is for.</summary>
    public string Description { get; init; } = "";

    /// <summary>Where the match begins.</summary>
    public int StartLine { get; init; }

    /// <summary>Where the match ends.</summary>
    public int EndLine { get; init; }

    /// <summary>Where the match begins on its line.</summary>
    public int StartColumn { get; init; }

    /// <summary>Where the match ends on its line.</summary>
    public int EndColumn { get; init; }

    /// <summary>The lines on which the match stands, or the match alone when they are long.</summary>
    public string Line { get; init; } = "";

    /// <summary>All that the rule matched.</summary>
    public string Match { get; init; } = "";

    /// <summary>The secret.</summary>
    public string Secret { get; init; } = "";

    /// <summary>The file, with slashes; inside of archives after <c>!</c>.</summary>
    public string File { get; init; } = "";

    /// <summary>The link by which the file was found, or "".</summary>
    public string SymlinkFile { get; init; } = "";

    /// <summary>The commit, or null outside of histories.</summary>
    public CommitInfo? Commit { get; init; }

    /// <summary>Bits per character of the secret.</summary>
    public double Entropy { get; init; }

    /// <summary>The rule's.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Names the finding in ignore files: <c>commit:file:rule:line</c>, without the commit outside of histories.</summary>
    public string Fingerprint =>
        Commit is null ? $"{File}:{RuleId}:{StartLine}" : $"{Commit.Hash}:{File}:{RuleId}:{StartLine}";

    /// <summary>Says nothing of the secret.</summary>
    public override string ToString() => $"Finding({RuleId}, {File}:{StartLine})";
}

/// <summary>A commit, as findings tell of it.</summary>
public sealed record CommitInfo(string Hash, string Author, string Email, string Date, string Message);
