using Mayfly.Scanner.Matching;

namespace Mayfly.Scanner.Rules;

/// <summary>What one kind of secret looks like. Immutable.</summary>
public sealed record ScanRule
{
    /// <summary>Its name, as in findings, fingerprints and <c>--enable-rule</c>.</summary>
    public required string Id { get; init; }

    /// <summary>For people.</summary>
    public string Description { get; init; } = "";

    /// <summary>What it looks like; null for a rule of paths alone.</summary>
    public LinearRegex? Regex { get; init; }

    /// <summary>The group of <see cref="Regex"/> that is the secret; 0 for the first that is not empty, or else all of it.</summary>
    public int SecretGroup { get; init; }

    /// <summary>Shannon's entropy, in bits per character, that the secret must exceed; 0 for any.</summary>
    public double Entropy { get; init; }

    /// <summary>What the secret's own characters must pass, or null. Mayfly's own key; gitleaks passes over it.</summary>
    public Checksum? Checksum { get; init; }

    /// <summary>
    /// It goes by names and looks, and so says nothing of what another rule knows: neither of what that one reports, nor of
    /// what has failed its checksum. Mayfly's own key; gitleaks passes over it.
    /// </summary>
    public bool Generic { get; init; }

    /// <summary>Only files whose path matches; with no <see cref="Regex"/>, those files are the finding.</summary>
    public LinearRegex? Path { get; init; }

    /// <summary>Without one of them (in small letters) there is no match; empty for rules that are always tried.</summary>
    public IReadOnlyList<string> Keywords { get; init; } = [];

    /// <summary>Free words that findings carry.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>What is no finding after all.</summary>
    public IReadOnlyList<Allowlist> Allowlists { get; init; } = [];

    /// <summary>Other rules that must have matched nearby.</summary>
    public IReadOnlyList<RequiredRule> Required { get; init; } = [];

    /// <summary>It serves other rules only, and reports nothing itself.</summary>
    public bool SkipReport { get; init; }

    /// <summary>Where its definition stands, for error messages: file and line.</summary>
    public string Origin { get; init; } = "";
}

/// <summary>A rule that must have matched near a match of another.</summary>
/// <param name="Id">The rule.</param>
/// <param name="WithinLines">At most so many lines away; null for anywhere in the same piece of text.</param>
/// <param name="WithinColumns">At most so many columns away; null for any.</param>
public sealed record RequiredRule(string Id, int? WithinLines, int? WithinColumns);

/// <summary>The rules of a scan, with the allowlists that hold for all of them. Immutable.</summary>
/// <param name="Rules">The rules, by name.</param>
/// <param name="Allowlists">For every rule.</param>
public sealed record RuleSet(IReadOnlyList<ScanRule> Rules, IReadOnlyList<Allowlist> Allowlists);
