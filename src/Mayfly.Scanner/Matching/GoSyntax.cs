using System.Globalization;
using System.Text;

namespace Mayfly.Scanner.Matching;

/// <summary>
/// Writes a pattern of Go's RE2 syntax as .NET means it. The two differ in what the same characters say: <c>$</c> without
/// <c>(?m)</c> is the very end, <c>\d</c>, <c>\w</c> and <c>\s</c> are ASCII, a bracket inside brackets is itself, named
/// groups are <c>(?P&lt;name&gt;…)</c> and are counted with the others, <c>\Q…\E</c> quotes, <c>[:alpha:]</c> names a class. What
/// .NET would accept beyond RE2 (look-around, back references) is refused, as Go refuses it. <c>\b</c> cannot be written as Go
/// means it, beside ASCII letters alone: see <see cref="TranslatedPattern.HasAsciiBoundaries"/>.
/// </summary>
internal sealed class GoSyntax
{
    private static readonly Dictionary<string, string> Named = new(StringComparer.Ordinal)
    {
        ["alnum"] = "0-9A-Za-z",
        ["alpha"] = "A-Za-z",
        ["ascii"] = @"\x00-\x7F",
        ["blank"] = @"\t ",
        ["cntrl"] = @"\x00-\x1F\x7F",
        ["digit"] = "0-9",
        ["graph"] = "!-~",
        ["lower"] = "a-z",
        ["print"] = " -~",
        ["punct"] = @"!-/:-@\[-`{-~",
        ["space"] = @"\t\n\v\f\r ",
        ["upper"] = "A-Z",
        ["word"] = "0-9A-Za-z_",
        ["xdigit"] = "0-9A-Fa-f",
    };

    private readonly string _pattern;
    private readonly StringBuilder _result = new();
    private readonly Stack<bool> _outer = new();
    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    private int _groups;
    private bool _hasBoundary;
    private bool _tellsApart;
    private bool _multiline;
    private string? _problem;
    private int _at;

    private GoSyntax(string pattern) => _pattern = pattern;

    /// <summary>Exactly one of the two results is null.</summary>
    public static (TranslatedPattern? Pattern, string? Problem) Translate(string pattern)
    {
        var translation = new GoSyntax(pattern);
        translation.Run();
        return translation._problem is { } problem
            ? (null, problem)
            : (
                new TranslatedPattern(
                    translation._result.ToString(),
                    translation._names,
                    translation._hasBoundary && !translation._tellsApart
                ),
                null
            );
    }

    private void Run()
    {
        while (_problem is null && _at < _pattern.Length)
        {
            var character = _pattern[_at];
            switch (character)
            {
                case '\\':
                    Escape();
                    break;
                case '[':
                    Class();
                    break;
                case '(':
                    Open();
                    break;
                case ')':
                    if (_outer.Count == 0)
                    {
                        Fail("a ')' closes nothing");
                        return;
                    }

                    _multiline = _outer.Pop();
                    Copy();
                    break;
                case '$':
                    _at++;
                    _result.Append(_multiline ? @"(?m:$)" : @"\z");
                    break;
                case '^':
                    _at++;
                    _result.Append(_multiline ? @"(?m:^)" : @"\A");
                    break;
                default:
                    Copy();
                    break;
            }
        }

        if (_problem is null && _outer.Count > 0)
        {
            Fail("a '(' is not closed");
        }
    }

    private void Copy()
    {
        _tellsApart |= _pattern[_at] > '\u007F';
        _result.Append(_pattern[_at++]);
    }

    private void Open()
    {
        _outer.Push(_multiline);
        if (!_pattern.AsSpan(_at).StartsWith("(?"))
        {
            _groups++;
            Copy();
            return;
        }

        var rest = _pattern.AsSpan(_at + 2);
        if (rest.StartsWith("P<") || (rest.StartsWith("<") && !rest.StartsWith("<=") && !rest.StartsWith("<!")))
        {
            var from = _at + (rest[0] == 'P' ? 4 : 3);
            var end = _pattern.IndexOf('>', from);
            if (end <= from)
            {
                Fail("the name of a group does not end");
                return;
            }

            // .NET would count groups with names after all others.
            var name = _pattern[from..end];
            if (
                !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_')
                || !_names.TryAdd(name, ++_groups)
            )
            {
                Fail($"\"{name}\" is no name for a group, or that of two");
                return;
            }

            _result.Append('(');
            _at = end + 1;
            return;
        }

        Flags();
    }

    /// <summary><c>(?flags)</c> for the rest of the group, <c>(?flags:…)</c> for this one.</summary>
    private void Flags()
    {
        var from = _at;
        _at += 2;
        var negative = false;
        var kept = new StringBuilder("(?");
        var multiline = _multiline;
        for (; _at < _pattern.Length; _at++)
        {
            var flag = _pattern[_at];
            switch (flag)
            {
                case '-':
                    negative = true;
                    kept.Append('-');
                    break;
                case 'm':
                    // Told to ^ and $ themselves.
                    multiline = !negative;
                    break;
                case 'i' or 's':
                    kept.Append(flag);
                    break;
                case ':' or ')':
                    _at++;
                    Finish(kept, flag, multiline);
                    return;
                case 'U':
                    Fail("the flag U (short matches first) is not supported");
                    return;
                default:
                    Fail($"\"{_pattern.AsSpan(from, _at - from + 1)}\" is not part of RE2's syntax");
                    return;
            }
        }

        Fail("a '(' is not closed");
    }

    private void Finish(StringBuilder kept, char end, bool multiline)
    {
        var flags = kept.ToString();
        flags = flags.EndsWith('-') ? flags[..^1] : flags;
        _multiline = multiline;
        if (end == ':')
        {
            _result.Append(flags).Append(':');
            return;
        }

        // The flags hold until the group around them ends, which has pushed nothing of its own.
        _outer.Pop();
        if (flags.Length > 2)
        {
            _result.Append(flags).Append(')');
        }
    }

    private void Escape()
    {
        if (_at + 1 >= _pattern.Length)
        {
            Fail("a backslash stands at the end");
            return;
        }

        var kind = _pattern[_at + 1];
        switch (kind)
        {
            case 'd' or 'D' or 's' or 'S' or 'w' or 'W':
                _result.Append(char.IsUpper(kind) ? "[^" : "[").Append(Perl(char.ToLowerInvariant(kind))).Append(']');
                _at += 2;
                break;
            case 'Q':
                var end = _pattern.IndexOf(@"\E", _at, StringComparison.Ordinal);
                var quoted = _pattern[(_at + 2)..(end < 0 ? _pattern.Length : end)];
                foreach (var character in quoted)
                {
                    Literal(character);
                }

                _at = end < 0 ? _pattern.Length : end + 2;
                break;
            case 'A' or 'z' or 'b' or 'B':
                _hasBoundary |= kind is 'b' or 'B';
                _result.Append('\\').Append(kind);
                _at += 2;
                break;
            case 'C' or 'Z' or 'G' or 'k' or 'K' or 'R' or 'X' or 'h' or 'H' or 'N' or 'c' or 'e' or 'E':
            case >= '1' and <= '9':
                Fail($"\\{kind} is not part of RE2's syntax");
                break;
            default:
                Character();
                break;
        }
    }

    /// <summary>An escape that stands for characters, in a class or outside.</summary>
    private void Character()
    {
        var kind = _pattern[_at + 1];
        _at += 2;
        switch (kind)
        {
            case 'a' or 'f' or 't' or 'n' or 'r' or 'v':
                _result.Append('\\').Append(kind);
                break;
            case 'x':
                Hexadecimal();
                break;
            case '0':
                var digits = 1;
                while (digits < 3 && _at < _pattern.Length && _pattern[_at] is >= '0' and <= '7')
                {
                    digits++;
                    _at++;
                }

                Literal((char)Convert.ToInt32(_pattern.Substring(_at - digits, digits), 8));
                break;
            case 'p' or 'P':
                Category(kind);
                break;
            default:
                if (char.IsAsciiLetterOrDigit(kind) || kind > '\u007F')
                {
                    Fail($"\\{kind} is not part of RE2's syntax");
                }
                else
                {
                    Literal(kind);
                }

                break;
        }
    }

    private void Hexadecimal()
    {
        ReadOnlySpan<char> digits;
        if (_at < _pattern.Length && _pattern[_at] == '{')
        {
            var end = _pattern.IndexOf('}', _at);
            digits = end < 0 ? [] : _pattern.AsSpan(_at + 1, end - _at - 1);
            _at = end + 1;
        }
        else
        {
            digits = _pattern.AsSpan(_at, Math.Min(2, _pattern.Length - _at));
            _at += digits.Length;
        }

        if (
            digits.Length == 0
            || !int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
            || code > char.MaxValue
        )
        {
            Fail("\\x needs hexadecimal digits of a character up to FFFF");
            return;
        }

        Literal((char)code);
    }

    /// <summary><c>\pL</c>, <c>\p{Lu}</c>, <c>\p{^Lu}</c>.</summary>
    private void Category(char kind)
    {
        var end = _at < _pattern.Length && _pattern[_at] == '{' ? _pattern.IndexOf('}', _at) : _at;
        if (end < 0 || end >= _pattern.Length)
        {
            Fail("the name of a category does not end");
            return;
        }

        var name = _pattern[_at] == '{' ? _pattern[(_at + 1)..end] : _pattern[_at..(_at + 1)];
        _at = end + 1;
        if (name.StartsWith('^'))
        {
            name = name[1..];
            kind = kind == 'p' ? 'P' : 'p';
        }

        if (name.Length is 0 or > 2)
        {
            Fail($"\\p{{{name}}} (a script) is not supported; general categories such as \\p{{Lu}} are");
            return;
        }

        _tellsApart = true;
        _result.Append('\\').Append(kind).Append('{').Append(name).Append('}');
    }

    private void Class()
    {
        _result.Append('[');
        _at++;
        if (_at < _pattern.Length && _pattern[_at] == '^')
        {
            Copy();
        }

        var first = true;
        while (_problem is null)
        {
            if (_at >= _pattern.Length)
            {
                Fail("a '[' is not closed");
                return;
            }

            var character = _pattern[_at];
            if (character == ']' && !first)
            {
                Copy();
                return;
            }

            first = false;
            if (character == '[' && _pattern.AsSpan(_at).StartsWith("[:") && NamedClass())
            {
                continue;
            }

            if (character == '\\')
            {
                ClassEscape();
            }
            else if (character == '-')
            {
                Range();
            }
            else
            {
                _at++;
                Literal(character);
            }
        }
    }

    /// <summary>A dash that cannot be a range stands for itself.</summary>
    private void Range()
    {
        _at++;
        var before = _result[^1];
        var atEnd = _at < _pattern.Length && _pattern[_at] == ']';
        var earlier = _result.Length > 1 ? _result[^2] : '\0';
        var afterRange = (before == '[' && earlier != '\\') || (before == '^' && earlier == '[');
        _result.Append(atEnd || afterRange ? @"\-" : "-");
    }

    private bool NamedClass()
    {
        var end = _pattern.IndexOf(":]", _at, StringComparison.Ordinal);
        if (end < 0)
        {
            return false;
        }

        var name = _pattern[(_at + 2)..end];
        var negative = name.StartsWith('^');
        name = negative ? name[1..] : name;
        if (!Named.TryGetValue(name, out var set))
        {
            Fail($"[:{name}:] is not part of RE2's syntax");
            return true;
        }

        if (negative)
        {
            Fail($"[:^{name}:] is not supported");
            return true;
        }

        _result.Append(set);
        _at = end + 2;
        return true;
    }

    private void ClassEscape()
    {
        if (_at + 1 >= _pattern.Length)
        {
            Fail("a '[' is not closed");
            return;
        }

        var kind = _pattern[_at + 1];
        switch (kind)
        {
            case 'd' or 's' or 'w':
                _result.Append(Perl(kind));
                _at += 2;
                break;
            case 'D':
                _result.Append(@"\x00-/:-\uFFFF");
                _at += 2;
                break;
            case 'S':
                _result.Append(@"\x00-\x08\x0B\x0E-\x1F!-\uFFFF");
                _at += 2;
                break;
            case 'W':
                _result.Append(@"\x00-/:-@\[-\^`{-\uFFFF");
                _at += 2;
                break;
            default:
                Character();
                break;
        }
    }

    private static string Perl(char kind) =>
        kind switch
        {
            'd' => "0-9",
            's' => @"\t\n\f\r ",
            _ => "0-9A-Za-z_",
        };

    private void Literal(char character)
    {
        _tellsApart |= character > '\u007F';
        if (character is < ' ' or >= '\u007F')
        {
            _result.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:X4}");
        }
        else if (
            char.IsAsciiLetterOrDigit(character)
            || character
                is '_'
                    or ' '
                    or '"'
                    or '\''
                    or '<'
                    or '>'
                    or '/'
                    or '%'
                    or '&'
                    or '!'
                    or '@'
                    or '~'
                    or '`'
                    or ';'
                    or ':'
                    or '='
                    or ','
        )
        {
            _result.Append(character);
        }
        else
        {
            _result.Append('\\').Append(character);
        }
    }

    private void Fail(string problem) => _problem ??= problem;
}
