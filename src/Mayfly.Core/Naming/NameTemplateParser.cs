using System.Globalization;
using System.Text;

namespace Mayfly.Core.Naming;

/// <summary>
/// Parses a <see cref="NameTemplate"/>: <c>pipeline = command { "|" command }</c>, where a command is a value or a
/// function with its arguments, and what is piped in becomes the last argument.
/// </summary>
internal ref struct NameTemplateParser
{
    private const int MaxLength = 4_096;
    private const int MaxDepth = 16;

    private readonly string _source;
    private int _at;
    private int _depth;
    private string? _problem;

    private NameTemplateParser(string source) => _source = source;

    /// <returns>The parts of the template, or what is wrong with it.</returns>
    public static (IReadOnlyList<Func<NameFields, string>>? Parts, string? Problem) Parse(string source)
    {
        if (source.Length > MaxLength)
        {
            return (null, $"it is longer than {MaxLength} characters");
        }

        var parser = new NameTemplateParser(source);
        var parts = parser.Template();
        return parser._problem is { } problem ? (null, problem) : (parts, null);
    }

    private List<Func<NameFields, string>> Template()
    {
        var parts = new List<Func<NameFields, string>>();
        var trimNext = false;
        while (_problem is null && _at < _source.Length)
        {
            var open = _source.IndexOf("{{", _at, StringComparison.Ordinal);
            var text = open < 0 ? _source[_at..] : _source[_at..open];
            text = trimNext ? text.TrimStart() : text;
            _at = open < 0 ? _source.Length : open + 2;
            if (open >= 0 && TakeTrimMark(before: true))
            {
                text = text.TrimEnd();
            }

            if (text.Length > 0)
            {
                parts.Add(_ => text);
            }

            if (open < 0)
            {
                break;
            }

            var value = Pipeline();
            SkipSpace();
            trimNext = TakeTrimMark(before: false);
            if (!Take("}}"))
            {
                Fail("expected }}");
            }

            parts.Add(value.Render);
        }

        return parts;
    }

    private NameValue Pipeline()
    {
        if (++_depth > MaxDepth)
        {
            return Fail($"parentheses deeper than {MaxDepth}");
        }

        var value = Command(piped: null);
        while (_problem is null && TakeAfterSpace('|'))
        {
            value = Command(value);
        }

        _depth--;
        return value;
    }

    private NameValue Command(NameValue? piped)
    {
        SkipSpace();
        var start = _at;
        if (Word() is { Length: > 0 } name)
        {
            var arguments = Arguments();
            if (piped is not null)
            {
                arguments.Add(piped);
            }

            if (_problem is not null)
            {
                return NameValue.Nothing;
            }

            var (value, problem) = NameFunctions.Call(name, arguments);
            return value ?? Fail(problem!, start);
        }

        var operand = Operand() ?? Fail("expected a field, a function, a string or a parenthesis");
        return piped is null ? operand : Fail("only a function can stand after a pipe", start);
    }

    private List<NameValue> Arguments()
    {
        var arguments = new List<NameValue>();
        while (_problem is null)
        {
            SkipSpace();
            var start = _at;
            if (Word() is { Length: > 0 } name)
            {
                // As in Go, a function among the arguments is called without any of its own.
                var (value, problem) = NameFunctions.Call(name, []);
                arguments.Add(value ?? Fail(problem!, start));
            }
            else if (Operand() is { } operand)
            {
                arguments.Add(operand);
            }
            else
            {
                break;
            }
        }

        return arguments;
    }

    /// <summary>A field, a literal, or a pipeline in parentheses; null when something else stands here.</summary>
    private NameValue? Operand()
    {
        if (_at >= _source.Length)
        {
            return null;
        }

        switch (_source[_at])
        {
            case '.':
                var start = _at++;
                return Word() switch
                {
                    "DisplayName" => NameValue.Text(fields => fields.DisplayName),
                    "RoleName" => NameValue.Text(fields => fields.RoleName),
                    _ => Fail("there are only the fields .DisplayName and .RoleName", start),
                };
            case '(':
                _at++;
                var inner = Pipeline();
                return TakeAfterSpace(')') ? inner : Fail("expected )");
            case '"':
                return Quoted();
            case '`':
                var end = _source.IndexOf('`', _at + 1);
                if (end < 0)
                {
                    return Fail("the string does not end");
                }

                var raw = _source[(_at + 1)..end];
                _at = end + 1;
                return NameValue.Constant(raw);
            case >= '0' and <= '9':
                return Number();
            default:
                return null;
        }
    }

    private NameValue Number()
    {
        var start = _at;
        while (_at < _source.Length && char.IsAsciiDigit(_source[_at]))
        {
            _at++;
        }

        var digits = _source.AsSpan(start, _at - start);
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? NameValue.Of(number)
            : Fail("the number is too large", start);
    }

    private NameValue Quoted()
    {
        var start = _at++;
        var text = new StringBuilder();
        while (_at < _source.Length && _source[_at] != '"')
        {
            var character = _source[_at++];
            if (character == '\\' && _at < _source.Length)
            {
                var escaped = _source[_at++];
                if (escaped is not ('"' or '\\'))
                {
                    return Fail($"only \\\" and \\\\ are known in a string", start);
                }

                character = escaped;
            }

            text.Append(character);
        }

        return Take("\"") ? NameValue.Constant(text.ToString()) : Fail("the string does not end", start);
    }

    private string Word()
    {
        var start = _at;
        while (_at < _source.Length && (char.IsAsciiLetterOrDigit(_source[_at]) || _source[_at] == '_'))
        {
            if (_at == start && char.IsAsciiDigit(_source[_at]))
            {
                break;
            }

            _at++;
        }

        return _source[start.._at];
    }

    /// <summary>Go's <c>{{- </c> and <c> -}}</c>, which remove the white space beside them.</summary>
    private bool TakeTrimMark(bool before)
    {
        if (_at >= _source.Length || _source[_at] != '-')
        {
            return false;
        }

        var beside = before ? _at + 1 : _at - 1;
        if (beside >= _source.Length || !char.IsWhiteSpace(_source[beside]))
        {
            return false;
        }

        _at++;
        return true;
    }

    private bool TakeAfterSpace(char expected)
    {
        SkipSpace();
        if (_at >= _source.Length || _source[_at] != expected)
        {
            return false;
        }

        _at++;
        return true;
    }

    private bool Take(string expected)
    {
        if (!_source.AsSpan(_at).StartsWith(expected, StringComparison.Ordinal))
        {
            return false;
        }

        _at += expected.Length;
        return true;
    }

    private void SkipSpace()
    {
        while (_at < _source.Length && char.IsWhiteSpace(_source[_at]))
        {
            _at++;
        }
    }

    private NameValue Fail(string problem, int? at = null)
    {
        _problem ??= $"{problem} (at character {(at ?? _at) + 1})";
        return NameValue.Nothing;
    }
}
