using Mayfly.Scanner.Matching;

namespace Mayfly.Scanner.Rules;

/// <summary>What a regular expression of an <see cref="Allowlist"/> is held against.</summary>
public enum AllowlistTarget
{
    /// <summary>The secret alone.</summary>
    Secret,

    /// <summary>All that the rule matched.</summary>
    Match,

    /// <summary>The lines on which the match stands.</summary>
    Line,
}

/// <summary>
/// What is no finding although a rule matched, as gitleaks' configuration says it. With <see cref="All"/> each kind of
/// criterion that is given must hold, otherwise one is enough. Immutable.
/// </summary>
public sealed record Allowlist
{
    /// <summary>Why it is there; shown by <c>--explain</c>.</summary>
    public string Description { get; init; } = "";

    /// <summary>Each kind of criterion that is given must hold (<c>condition = "AND"</c>).</summary>
    public bool All { get; init; }

    /// <summary>Commits, in small letters.</summary>
    public IReadOnlyList<string> Commits { get; init; } = [];

    /// <summary>Paths of files.</summary>
    public IReadOnlyList<LinearRegex> Paths { get; init; } = [];

    /// <summary>Held against <see cref="Target"/>.</summary>
    public IReadOnlyList<LinearRegex> Regexes { get; init; } = [];

    /// <summary>What <see cref="Regexes"/> are held against.</summary>
    public AllowlistTarget Target { get; init; }

    /// <summary>Words that a secret which is none contains; in small letters.</summary>
    public IReadOnlyList<string> StopWords { get; init; } = [];

    /// <summary>Whether what was found is allowed, and by what; null when it is not.</summary>
    /// <param name="candidate">What was found.</param>
    public string? Allows(Candidate candidate)
    {
        var reasons = new List<string>();
        if (
            !Meets(
                Commits.Count,
                Commits.Contains(candidate.Commit, StringComparer.OrdinalIgnoreCase) ? "its commit" : null
            )
            || !Meets(Paths.Count, FirstMatch(Paths, candidate.Path) is { } path ? $"its path (by {path})" : null)
            || !Meets(Regexes.Count, FirstMatch(Regexes, candidate.Text(Target)) is { } regex ? $"{regex}" : null)
            || !Meets(StopWords.Count, StopWord(candidate.Secret) is { } word ? $"the stop word \"{word}\"" : null)
        )
        {
            return null;
        }

        return reasons.Count > 0 ? string.Join(" and ", reasons) : null;

        // False when the allowlist as a whole cannot hold any more.
        bool Meets(int criteria, string? reason)
        {
            if (reason is not null)
            {
                reasons.Add(reason);
            }

            return criteria == 0 || reason is not null || !All;
        }
    }

    /// <summary>Whether a file's path or commit alone is enough to leave it out, and why.</summary>
    public string? AllowsFile(Candidate candidate) =>
        All ? null
        : FirstMatch(Paths, candidate.Path) is { } path ? $"its path (by {path})"
        : candidate.Commit.Length > 0 && Commits.Contains(candidate.Commit, StringComparer.OrdinalIgnoreCase)
            ? "its commit"
        : null;

    private string? StopWord(string secret)
    {
        for (var i = 0; i < StopWords.Count; i++)
        {
            if (secret.Contains(StopWords[i], StringComparison.OrdinalIgnoreCase))
            {
                return StopWords[i];
            }
        }

        return null;
    }

    private static LinearRegex? FirstMatch(IReadOnlyList<LinearRegex> regexes, string text)
    {
        for (var i = 0; i < regexes.Count; i++)
        {
            if (regexes[i].IsMatch(text))
            {
                return regexes[i];
            }
        }

        return null;
    }
}

/// <summary>What a rule matched, as allowlists look at it.</summary>
/// <param name="Secret">The secret.</param>
/// <param name="Match">All that matched.</param>
/// <param name="Line">The lines on which it stands.</param>
/// <param name="Path">The file's path, with slashes.</param>
/// <param name="Commit">The commit, or "".</param>
public sealed record Candidate(string Secret, string Match, string Line, string Path, string Commit)
{
    /// <summary>The text that <paramref name="target"/> names.</summary>
    public string Text(AllowlistTarget target) =>
        target switch
        {
            AllowlistTarget.Match => Match,
            AllowlistTarget.Line => Line,
            _ => Secret,
        };

    /// <summary>Says nothing: the secret is in here.</summary>
    public override string ToString() => $"Candidate({Path})";
}
