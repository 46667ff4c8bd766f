using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Policy;

/// <summary>A rule for the reference: its path as written, and the words of its capabilities.</summary>
internal sealed record ReferenceRule(string Policy, string Path, string[] Capabilities);

/// <summary>
/// The documented rules, written down as plainly as possible: one regular expression per pattern, all matches sorted by the
/// published order, and the rules on the winning pattern joined.
/// </summary>
internal static class ReferenceAcl
{
    public static (bool Allowed, bool Sudo, string[] Granting) Decide(
        IReadOnlyList<ReferenceRule> rules,
        Operation operation,
        string path
    )
    {
        if (Winner(rules, operation == Operation.List, path) is not { } winner)
        {
            return (false, false, []);
        }

        var joined = rules.Where(rule => rule.Path == winner).ToList();
        if (joined.Exists(rule => rule.Capabilities.Contains("deny")))
        {
            return (false, false, []);
        }

        var needed = operation.ToString().ToLowerInvariant();
        var granting = joined.Where(rule => rule.Capabilities.Contains(needed)).Select(rule => rule.Policy).Distinct();
        return (
            joined.Exists(rule => rule.Capabilities.Contains(needed)),
            joined.Exists(rule => rule.Capabilities.Contains("sudo")),
            [.. granting]
        );
    }

    /// <summary>The pattern that decides.</summary>
    public static string? Winner(IReadOnlyList<ReferenceRule> rules, bool isList, string path)
    {
        // A LIST of "foo/" is one of "foo" as well.
        var spellings = isList && path.EndsWith('/') ? new[] { path, path[..^1] } : [path];
        var patterns = rules.Select(rule => rule.Path).Distinct().ToList();
        foreach (var spelling in spellings)
        {
            if (patterns.Contains(spelling) && !IsPattern(spelling))
            {
                return spelling;
            }
        }

        return patterns
            .Where(pattern => IsPattern(pattern) && spellings.Any(spelling => Matches(pattern, spelling)))
            // The earlier the first wildcard, the lower the priority.
            .OrderByDescending(pattern => pattern.IndexOfAny(['+', '*']))
            // Ending with * is lower.
            .ThenBy(pattern => pattern.EndsWith('*'))
            // More + is lower.
            .ThenBy(pattern => pattern.Count(character => character == '+'))
            // Shorter is lower.
            .ThenByDescending(pattern => pattern.Length)
            // Lexicographically smaller is lower.
            .ThenByDescending(pattern => pattern, StringComparer.Ordinal)
            .FirstOrDefault();
    }

    public static bool IsPattern(string path) => path.EndsWith('*') || path.Split('/').Contains("+");

    private static readonly ConcurrentDictionary<string, Regex> Expressions = new();

    private static bool Matches(string pattern, string path) =>
        Expressions.GetOrAdd(pattern, ExpressionFor).IsMatch(path);

    private static Regex ExpressionFor(string pattern)
    {
        var literal = pattern.EndsWith('*') ? pattern[..^1] : pattern;
        var segments = literal.Split('/').Select(segment => segment == "+" ? "[^/]*" : Regex.Escape(segment));
        var expression = string.Join('/', segments) + (pattern.EndsWith('*') ? ".*" : "");
        return new Regex($"^(?:{expression})$", RegexOptions.Singleline, TimeSpan.FromSeconds(5));
    }
}
