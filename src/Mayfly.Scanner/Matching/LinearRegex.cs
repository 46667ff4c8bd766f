using System.Buffers;
using System.Text.RegularExpressions;

namespace Mayfly.Scanner.Matching;

/// <summary>
/// A regular expression in Go's RE2 syntax (https://github.com/google/re2/wiki/Syntax), matched in time linear in the text:
/// no pattern can hang a scan. Safe for concurrent use.
/// </summary>
/// <remarks>
/// .NET's linear matcher takes some milliseconds and megabytes to construct, its backtracking one next to nothing, and both
/// find the same. So short texts are tried with the latter, while that takes no longer than a linear matcher would; the
/// first time it does, the linear one takes over for good.
/// </remarks>
public sealed class LinearRegex
{
    /// <summary>Longer texts (in characters) are for the linear matcher alone.</summary>
    private const int Short = 8 << 10;

    /// <summary>
    /// Larger patterns (in characters of a match, with all their alternatives) are constructed to see whether that works: .NET
    /// refuses 10,000 states, and counts five for a character, as all patterns have a boundary in front.
    /// </summary>
    private const int Large = 1500;

    /// <summary>A single text may take so long.</summary>
    private static readonly TimeSpan MostForOne = TimeSpan.FromMilliseconds(100);

    /// <summary>All texts together may take so much longer than <see cref="EachCharacter"/> says.</summary>
    private static readonly TimeSpan MostForAll = TimeSpan.FromMilliseconds(300);

    /// <summary>What a linear matcher takes for a character at worst.</summary>
    private static readonly TimeSpan EachCharacter = TimeSpan.FromMicroseconds(0.2);

    private static readonly TimeProvider Clock = TimeProvider.System;

    private readonly Lazy<TranslatedPattern> _translated;
    private readonly Lazy<Regex> _backtracking;
    private readonly Lazy<Regex> _linear;

    // What is left before the linear matcher takes over.
    private long _credit = MostForAll.Ticks;

    private LinearRegex(
        string pattern,
        Lazy<TranslatedPattern> translated,
        Lazy<Regex> backtracking,
        Lazy<Regex> linear
    )
    {
        Pattern = pattern;
        _translated = translated;
        _backtracking = backtracking;
        _linear = linear;
    }

    /// <summary>As it was written.</summary>
    public string Pattern { get; }

    /// <summary>How many groups it captures.</summary>
    public int Groups => _backtracking.Value.GetGroupNumbers().Length - 1;

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
            var backtracking = Backtracking(translated.Text);
            var linear = new Lazy<Regex>(() => Linear(translated.Text));
            if (PatternParser.Parse(pattern) is not { Size: < Large })
            {
                _ = linear.Value;
            }

            return (
                new LinearRegex(
                    pattern,
                    new Lazy<TranslatedPattern>(translated),
                    new Lazy<Regex>(backtracking),
                    linear
                ),
                null
            );
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
    internal static LinearRegex Trusted(string pattern)
    {
        var translated = new Lazy<TranslatedPattern>(() => GoSyntax.Translate(pattern).Pattern!);
        return new LinearRegex(
            pattern,
            translated,
            new Lazy<Regex>(() => Backtracking(translated.Value.Text)),
            new Lazy<Regex>(() => Linear(translated.Value.Text))
        );
    }

    private static Regex Backtracking(string translated) => new(translated, RegexOptions.CultureInvariant, MostForOne);

    // .NET 10's linear matcher passes over matches of patterns that begin with a repetition ("b?a" in "xAbb1 Abkaa"): it looks
    // for what follows the repetition first, and goes on too far. What is in front here keeps it from doing so.
    private static Regex Linear(string translated) =>
        new(
            @$"(?:\b|\B)(?:{translated})",
            RegexOptions.NonBacktracking | RegexOptions.CultureInvariant,
            Regex.InfiniteMatchTimeout
        );

    /// <summary>Whether it matches anywhere in <paramref name="text"/>.</summary>
    public bool IsMatch(ReadOnlySpan<char> text)
    {
        if (!_translated.Value.Flattens(text))
        {
            return IsMatchIn(text);
        }

        var flat = ArrayPool<char>.Shared.Rent(text.Length);
        try
        {
            TranslatedPattern.Flatten(text, flat);
            return IsMatchIn(flat.AsSpan(0, text.Length));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(flat, clearArray: true);
        }
    }

    /// <summary>The matches in <paramref name="text"/>, from left to right, none overlapping.</summary>
    public IReadOnlyList<LinearMatch> Matches(string text)
    {
        var translated = _translated.Value;
        return
        [
            .. MatchesIn(translated.Flattened(text)).Select(match => new LinearMatch(text, match, translated.Names)),
        ];
    }

    private bool IsMatchIn(ReadOnlySpan<char> text)
    {
        if (IsForBacktracking(text.Length))
        {
            var regex = _backtracking.Value;
            var start = Clock.GetTimestamp();
            try
            {
                var isMatch = regex.IsMatch(text);
                Charge(start, text.Length);
                return isMatch;
            }
            catch (RegexMatchTimeoutException)
            {
                Charge(start, text.Length);
            }
        }

        return _linear.Value.IsMatch(text);
    }

    private IReadOnlyList<Match> MatchesIn(string text)
    {
        if (IsForBacktracking(text.Length))
        {
            var regex = _backtracking.Value;
            var start = Clock.GetTimestamp();
            try
            {
                var matches = regex.Matches(text);
                // They are looked for when they are asked for.
                _ = matches.Count;
                Charge(start, text.Length);
                return matches;
            }
            catch (RegexMatchTimeoutException)
            {
                Charge(start, text.Length);
            }
        }

        return _linear.Value.Matches(text).Select(match => WithGroups(match, text)).ToArray();
    }

    /// <summary>The same match by the other matcher: the linear one sometimes leaves out a group that is in it.</summary>
    private Match WithGroups(Match match, string text)
    {
        if (match.Groups.Count == 1 || !IsForBacktracking(match.Length))
        {
            return match;
        }

        var start = Clock.GetTimestamp();
        try
        {
            var again = _backtracking.Value.Match(text, match.Index);
            Charge(start, match.Length);
            return again.Success && again.Index == match.Index && again.Length == match.Length ? again : match;
        }
        catch (RegexMatchTimeoutException)
        {
            Charge(start, match.Length);
            return match;
        }
    }

    /// <summary>The pattern.</summary>
    public override string ToString() => Pattern;

    private bool IsForBacktracking(int length) => length <= Short && Interlocked.Read(ref _credit) > 0;

    private void Charge(long start, int length)
    {
        var excess = Clock.GetElapsedTime(start) - (length * EachCharacter);
        if (excess > TimeSpan.Zero)
        {
            Interlocked.Add(ref _credit, -excess.Ticks);
        }
    }
}
