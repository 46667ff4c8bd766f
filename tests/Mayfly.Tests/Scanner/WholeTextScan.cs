using Mayfly.Scanner.Rules;

namespace Mayfly.Tests.Scanner;

/// <summary>What a rule finds that is tried on all of a text: what every faster way is compared with.</summary>
internal static class WholeTextScan
{
    /// <summary>Rule, line, column and secret of each finding, without entropy and allowlists.</summary>
    /// <param name="rule">Has a pattern.</param>
    /// <param name="text">All of it.</param>
    /// <param name="firstLine">The number of its first line.</param>
    /// <param name="firstColumn">Where on that line it begins.</param>
    public static IEnumerable<(string Rule, int Line, int Column, string Secret)> Findings(
        ScanRule rule,
        string text,
        int firstLine = 1,
        int firstColumn = 1
    )
    {
        if (
            rule.Keywords.Count > 0
            && !rule.Keywords.Any(word => text.Contains(word, StringComparison.OrdinalIgnoreCase))
        )
        {
            yield break;
        }

        foreach (var match in rule.Regex!.Matches(text))
        {
            var before = text.AsSpan(0, match.Index);
            var secret =
                rule.SecretGroup > 0
                    ? match.Group(rule.SecretGroup)
                    : Enumerable.Range(1, match.Groups).Select(match.Group).FirstOrDefault(group => group.Length > 0)
                        ?? match.Value.TrimEnd('\n');
            if (secret.Length > 0)
            {
                var column = match.Index - before.LastIndexOf('\n');
                column += before.Contains('\n') ? 0 : firstColumn - 1;
                yield return (rule.Id, firstLine + before.Count('\n'), column, secret);
            }
        }
    }
}
