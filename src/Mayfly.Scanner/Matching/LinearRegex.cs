using System.Text.RegularExpressions;

namespace Mayfly.Scanner.Matching;

/// <summary>
/// A regular expression in Go's RE2 syntax (https://github.com/google/re2/wiki/Syntax), matched in time linear in the text:
/// no pattern can hang a scan. Safe for concurrent use.
/// </summary>
public sealed class LinearRegex
{
    private readonly Lazy<Regex> _regex;

    private LinearRegex(string pattern, Lazy<Regex> regex)
    {
        Pattern = pattern;
        _regex = regex;
    }

    /// <summary>As it was written.</summary>
    public string Pattern { get; }

    /// <summary>How many groups it captures.</summary>
    public int Groups => _regex.Value.GetGroupNumbers().Length - 1;

    /// <summary>Compiles <paramref name="pattern"/>. Exactly one of the two results is null.</summary>
    public static (LinearRegex? Regex, string? Problem) Compile(string pattern)
    {
        var (translated, problem) = GoSyntax.Translate(pattern);
        if (translated is null)
        {
            return (null, problem);
        }

        try
        {
            return (new LinearRegex(pattern, new Lazy<Regex>(Build(translated))), null);
        }
        catch (RegexParseException e)
        {
            return (null, $"the pattern is invalid at character {e.Offset + 1}: {e.Error}");
        }
        catch (NotSupportedException)
        {
            return (null, "the pattern is too large, or needs something that cannot be matched in linear time");
        }
    }

    /// <summary>
    /// A pattern that is known to be valid, because it is the program's own: compiled when it is first used, which for most
    /// rules of a scan is never.
    /// </summary>
    internal static LinearRegex Trusted(string pattern) =>
        new(pattern, new Lazy<Regex>(() => Build(GoSyntax.Translate(pattern).Pattern!)));

    private static Regex Build(string translated) =>
        new(translated, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, Regex.InfiniteMatchTimeout);

    /// <summary>Whether it matches anywhere in <paramref name="text"/>.</summary>
    public bool IsMatch(ReadOnlySpan<char> text) => _regex.Value.IsMatch(text);

    /// <summary>The matches in <paramref name="text"/>, from left to right, none overlapping.</summary>
    public MatchCollection Matches(string text) => _regex.Value.Matches(text);

    /// <summary>The pattern.</summary>
    public override string ToString() => Pattern;
}
