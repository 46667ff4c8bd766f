using System.Text.RegularExpressions;

namespace Mayfly.Core.Events;

/// <summary>
/// Which events a subscriber wants, in the language that Vault has for it (go-bexpr):
/// <c>data_path == secret/data/app and operation != "data-patch"</c>. Selectors are <c>event_type</c>, <c>operation</c>,
/// <c>source_plugin_mount</c>, <c>data_path</c> and <c>namespace</c>. Immutable.
/// </summary>
internal sealed class EventFilter
{
    private const int MaxLength = 1_024;
    private const int MaxDepth = 16;
    private static readonly TimeSpan MatchLimit = TimeSpan.FromMilliseconds(20);

    private readonly Func<ChangeEvent, bool> _matches;

    private EventFilter(Func<ChangeEvent, bool> matches) => _matches = matches;

    /// <summary>Whether the event is wanted, or null when that takes too long to say.</summary>
    public bool? Matches(ChangeEvent change)
    {
        try
        {
            return _matches(change);
        }
        catch (RegexMatchTimeoutException)
        {
            return null;
        }
    }

    /// <summary>The filter, or what is wrong with the expression.</summary>
    public static (EventFilter? Filter, string? Problem) Parse(string expression)
    {
        if (expression.Length > MaxLength)
        {
            return (null, $"an expression has at most {MaxLength} characters");
        }

        var (words, problem) = Words(expression);
        if (words is null)
        {
            return (null, problem);
        }

        var parser = new Parser(words);
        var matches = parser.Any(0);
        return parser.Finish() is { } wrong ? (null, wrong) : (new EventFilter(matches), null);
    }

    private static Func<ChangeEvent, string>? Selector(string name) =>
        name switch
        {
            "event_type" => change => change.Type,
            "operation" => change => change.Operation,
            "source_plugin_mount" => change => change.MountPath,
            "data_path" => change => change.DataPath,
            "namespace" => _ => "",
            _ => null,
        };

    private static (List<Word>? Words, string? Problem) Words(string text)
    {
        var words = new List<Word>();
        for (var at = 0; at < text.Length; )
        {
            var c = text[at];
            if (char.IsWhiteSpace(c))
            {
                at++;
                continue;
            }

            if (c is '(' or ')')
            {
                words.Add(new Word(c.ToString(), at++, IsQuoted: false));
                continue;
            }

            if (c is '"' or '`')
            {
                var close = text.IndexOf(c, at + 1);
                if (close < 0)
                {
                    return (null, $"the quote at character {at + 1} is not closed");
                }

                words.Add(new Word(text[(at + 1)..close], at, IsQuoted: true));
                at = close + 1;
                continue;
            }

            var start = at;
            if (text.AsSpan(at) is ['=', '=', ..] or ['!', '=', ..])
            {
                at += 2;
            }
            else
            {
                while (
                    at < text.Length
                    && !char.IsWhiteSpace(text[at])
                    && text[at] is not ('(' or ')' or '"' or '`' or '=' or '!')
                )
                {
                    at++;
                }

                if (at == start)
                {
                    return (null, $"character {at + 1} was not expected");
                }
            }

            words.Add(new Word(text[start..at], start, IsQuoted: false));
        }

        return (words, null);
    }

    private readonly record struct Word(string Text, int At, bool IsQuoted);

    /// <summary>Recursive descent: <c>or</c> binds less than <c>and</c>, and that less than <c>not</c>.</summary>
    private sealed class Parser(List<Word> words)
    {
        private int _next;
        private string? _problem;

        public string? Finish() =>
            _problem ?? (_next < words.Count ? $"\"{words[_next].Text}\" was not expected there" : null);

        public Func<ChangeEvent, bool> Any(int depth)
        {
            var left = All(depth);
            while (Take("or"))
            {
                var (one, other) = (left, All(depth));
                left = change => one(change) || other(change);
            }

            return left;
        }

        private Func<ChangeEvent, bool> All(int depth)
        {
            var left = One(depth);
            while (Take("and"))
            {
                var (one, other) = (left, One(depth));
                left = change => one(change) && other(change);
            }

            return left;
        }

        private Func<ChangeEvent, bool> One(int depth)
        {
            if (depth > MaxDepth)
            {
                return Fail("the expression is nested too deeply");
            }

            if (Take("not"))
            {
                var inner = One(depth + 1);
                return change => !inner(change);
            }

            if (!Take("("))
            {
                return Comparison();
            }

            var group = Any(depth + 1);
            return Take(")") ? group : Fail("a parenthesis is not closed");
        }

        private Func<ChangeEvent, bool> Comparison()
        {
            if (!TakeValue(out var first, out var isQuoted))
            {
                return Fail("a comparison was expected, such as data_path == secret/data/app");
            }

            var isNot = Take("not");
            if (Take("in"))
            {
                return TakeValue(out var name, out _) && Selector(name) is { } searched
                    ? change => searched(change).Contains(first, StringComparison.Ordinal) != isNot
                    : Unknown("in must be followed by a selector");
            }

            if (isQuoted || Selector(first) is not { } selector)
            {
                return Unknown($"\"{first}\" is no selector");
            }

            if (!isNot && Take("is"))
            {
                isNot = Take("not");
                return Take("empty")
                    ? change => selector(change).Length == 0 != isNot
                    : Fail("empty was expected after is");
            }

            var contains = Take("contains");
            var matches = !contains && Take("matches");
            var equals = !contains && !matches && !isNot && Take("==");
            var differs = !contains && !matches && !equals && !isNot && Take("!=");
            if (!contains && !matches && !equals && !differs)
            {
                return Fail($"==, !=, contains, matches, in or is empty was expected after \"{first}\"");
            }

            if (!TakeValue(out var value, out _))
            {
                return Fail("a value is missing at the end of a comparison");
            }

            isNot |= differs;
            return matches ? Pattern(selector, value, isNot)
                : contains ? change => selector(change).Contains(value, StringComparison.Ordinal) != isNot
                : change => string.Equals(selector(change), value, StringComparison.Ordinal) != isNot;
        }

        private Func<ChangeEvent, bool> Pattern(Func<ChangeEvent, string> selector, string value, bool isNot)
        {
            try
            {
                // Holds the pattern to what Go's have. It is not what matches: its automaton grows to gigabytes with some patterns, and
                // it looks at the time too seldom. The other one needs next to no memory, and its limit holds.
                const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture;
                _ = new Regex(value, Options | RegexOptions.NonBacktracking, MatchLimit);
                var pattern = new Regex(value, Options, MatchLimit);
                return change => pattern.IsMatch(selector(change)) != isNot;
            }
            catch (Exception e) when (e is ArgumentException or NotSupportedException)
            {
                return Fail("the regular expression cannot be used");
            }
        }

        private bool Take(string word)
        {
            if (_problem is not null || _next >= words.Count || words[_next].IsQuoted || words[_next].Text != word)
            {
                return false;
            }

            _next++;
            return true;
        }

        private bool TakeValue(out string value, out bool isQuoted)
        {
            (value, isQuoted) = ("", false);
            if (
                _problem is not null
                || _next >= words.Count
                || (!words[_next].IsQuoted && words[_next].Text is "(" or ")" or "==" or "!=")
            )
            {
                return false;
            }

            (value, isQuoted) = (words[_next].Text, words[_next].IsQuoted);
            _next++;
            return true;
        }

        private Func<ChangeEvent, bool> Unknown(string what) =>
            Fail($"{what}; there are: event_type, operation, source_plugin_mount, data_path, namespace");

        private Func<ChangeEvent, bool> Fail(string problem)
        {
            _problem ??= problem;
            return _ => false;
        }
    }
}
