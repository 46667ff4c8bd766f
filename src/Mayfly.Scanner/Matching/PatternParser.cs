using System.Globalization;

namespace Mayfly.Scanner.Matching;

/// <summary>
/// Parses the parts of RE2's syntax that rules are made of, to tell what a match can hold. Whatever else stands in a pattern
/// makes the answer "unknown", and the pattern is then tried everywhere; it is valid, as <see cref="GoSyntax"/> has seen it.
/// Two characters are left out on purpose: the Kelvin sign and the long s, which are a k and an s where case does not matter.
/// </summary>
internal sealed class PatternParser
{
    private static readonly SymbolSet Digits = default(SymbolSet).With('0', '9');
    private static readonly SymbolSet Words = Digits.With('a', 'z').With('A', 'Z').With('_', '_');
    private static readonly SymbolSet Spaces = default(SymbolSet).With('\t', '\n').With('\f', '\r').With(' ', ' ');
    private static readonly SymbolSet All = default(SymbolSet).Not();
    private static readonly PatternNode Nothing = new PatternNode.Sequence([]);

    private readonly string _text;
    private int _at;
    private bool _known = true;

    private PatternParser(string text) => _text = text;

    /// <summary>What the pattern can match, or null when this does not know.</summary>
    public static PatternNode? Parse(string pattern)
    {
        var parser = new PatternParser(pattern);
        var node = parser.Choice(new Flags(false, false), out _);
        return parser._known && parser._at == pattern.Length ? node : null;
    }

    private PatternNode Choice(Flags flags, out Flags after)
    {
        var choices = new List<PatternNode> { Sequence(ref flags) };
        while (_known && Take('|'))
        {
            choices.Add(Sequence(ref flags));
        }

        after = flags;
        return choices.Count == 1 ? choices[0] : new PatternNode.Choice(choices);
    }

    private PatternNode Sequence(ref Flags flags)
    {
        var parts = new List<PatternNode>();
        while (_known && _at < _text.Length && _text[_at] is not ('|' or ')'))
        {
            parts.Add(Repeats(Atom(ref flags)));
        }

        return parts.Count == 1 ? parts[0] : new PatternNode.Sequence(parts);
    }

    private PatternNode Repeats(PatternNode part)
    {
        while (_known && _at < _text.Length)
        {
            (int Fewest, int? Most) count;
            switch (_text[_at])
            {
                case '*':
                    count = (0, null);
                    break;
                case '+':
                    count = (1, null);
                    break;
                case '?':
                    count = (0, 1);
                    break;
                case '{' when Count() is { } counted:
                    count = counted;
                    break;
                default:
                    return part;
            }

            _at++;
            // A lazy one matches the same texts.
            Take('?');
            part = new PatternNode.Repeat(part, count.Fewest, count.Most);
        }

        return part;
    }

    /// <summary>Reads <c>{2,3</c>, so that the brace that closes it is next; null when it is text.</summary>
    private (int Fewest, int? Most)? Count()
    {
        var end = _text.IndexOf('}', _at);
        var parts = end < 0 ? [] : _text[(_at + 1)..end].Split(',');
        if (
            parts.Length is 0 or > 2
            || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var fewest)
        )
        {
            return null;
        }

        int? most = fewest;
        if (parts is [_, var last])
        {
            most =
                last.Length == 0 ? null
                : int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
                : Unknown();
        }

        _at = end;
        return (fewest, most);
    }

    private PatternNode Atom(ref Flags flags)
    {
        var letter = _text[_at++];
        switch (letter)
        {
            case '(':
                return Group(ref flags);
            case '[':
                return new PatternNode.One(Class(flags));
            case '.':
                return new PatternNode.One(flags.DotAll ? All : default(SymbolSet).With('\n', '\n').Not());
            case '^' or '$':
                return Nothing;
            case '\\':
                return Escape(flags);
            default:
                return Literal(letter, flags);
        }
    }

    private PatternNode Group(ref Flags flags)
    {
        var inner = flags;
        if (Take('?'))
        {
            if (Take('P') || (_at < _text.Length && _text[_at] == '<'))
            {
                _at = _text.IndexOf('>', _at) + 1;
                _known &= _at > 0;
            }
            else
            {
                var on = true;
                for (; _at < _text.Length && _text[_at] is not (':' or ')'); _at++)
                {
                    switch (_text[_at])
                    {
                        case '-':
                            on = false;
                            break;
                        case 'i':
                            inner = inner with { AnyCase = on };
                            break;
                        case 's':
                            inner = inner with { DotAll = on };
                            break;
                        case 'm':
                            break;
                        default:
                            Unknown();
                            return Nothing;
                    }
                }

                if (Take(')'))
                {
                    flags = inner;
                    return Nothing;
                }

                _at++;
            }
        }

        if (!_known)
        {
            return Nothing;
        }

        var node = Choice(inner, out _);
        _known &= Take(')');
        return node;
    }

    private PatternNode Escape(Flags flags)
    {
        if (_at < _text.Length && _text[_at] is 'b' or 'B' or 'A' or 'z')
        {
            _at++;
            return Nothing;
        }

        var set = EscapedSet();
        return new PatternNode.One(flags.AnyCase ? set.AnyCase() : set);
    }

    /// <summary>After a backslash, in a class or outside.</summary>
    private SymbolSet EscapedSet()
    {
        var letter = _at < _text.Length ? _text[_at++] : '\0';
        switch (letter)
        {
            case 'd':
                return Digits;
            case 'D':
                return Digits.Not();
            case 'w':
                return Words;
            case 'W':
                return Words.Not();
            case 's':
                return Spaces;
            case 'S':
                return Spaces.Not();
            case 'n':
                return Single('\n');
            case 'r':
                return Single('\r');
            case 't':
                return Single('\t');
            case 'f':
                return Single('\f');
            case 'v':
                return Single('\v');
            case 'x'
                when _at + 2 <= _text.Length
                    && byte.TryParse(_text.AsSpan(_at, 2), NumberStyles.AllowHexSpecifier, null, out var code):
                _at += 2;
                return Single((char)code);
            default:
                if (char.IsAsciiLetterOrDigit(letter) || letter == '\0')
                {
                    Unknown();
                }

                return Single(letter);
        }
    }

    private SymbolSet Class(Flags flags)
    {
        var negative = Take('^');
        var set = default(SymbolSet);
        var first = true;
        while (_known && _at < _text.Length && (first || _text[_at] != ']'))
        {
            first = false;
            if (_text.AsSpan(_at).StartsWith("[:"))
            {
                Unknown();
                break;
            }

            var letter = _text[_at++];
            var part = letter == '\\' ? EscapedSet() : Single(letter);
            var from = letter == '\\' ? _text[_at - 1] : letter;
            if (_at + 1 < _text.Length && _text[_at] == '-' && _text[_at + 1] != ']' && IsOne(part))
            {
                _at++;
                var to = _text[_at++];
                if (to == '\\' || letter == '\\')
                {
                    // Rare, and easily misread.
                    Unknown();
                    break;
                }

                part = default(SymbolSet).With(from, to);
            }

            set = set.Or(part);
        }

        _known &= Take(']');
        set = flags.AnyCase ? set.AnyCase() : set;
        return negative ? set.Not() : set;
    }

    private static bool IsOne(SymbolSet set) => UInt128.PopCount(set.Ascii) + (set.Others ? 1u : 0u) == 1;

    private static PatternNode.One Literal(char letter, Flags flags) =>
        new(flags.AnyCase ? Single(letter).AnyCase() : Single(letter));

    private static SymbolSet Single(char letter) => default(SymbolSet).With(letter, letter);

    private bool Take(char letter)
    {
        if (_at >= _text.Length || _text[_at] != letter)
        {
            return false;
        }

        _at++;
        return true;
    }

    private int? Unknown()
    {
        _known = false;
        return null;
    }

    private readonly record struct Flags(bool AnyCase, bool DotAll);
}
