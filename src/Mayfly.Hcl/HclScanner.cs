using System.Text;

namespace Mayfly.Hcl;

/// <summary>Cuts a document into tokens. After an error it must not be asked again.</summary>
internal sealed class HclScanner(string text)
{
    private int _at;
    private int _line = 1;
    private int _lineStart;

    private char Current => _at < text.Length ? text[_at] : '\0';

    private char Following => _at + 1 < text.Length ? text[_at + 1] : '\0';

    private HclPosition Here => new(_line, _at - _lineStart + 1);

    public HclToken Next()
    {
        if (SkipBlank() is { } unterminated)
        {
            return unterminated;
        }

        var position = Here;
        if (_at >= text.Length)
        {
            return new HclToken(HclTokenKind.End, position, "");
        }

        var character = Current;
        switch (character)
        {
            case '"':
                return ScanString(position);
            case '<' when Following == '<':
                return ScanHeredoc(position);
            case '=':
                return Single(HclTokenKind.Assign, position);
            case ',':
                return Single(HclTokenKind.Comma, position);
            case '{':
                return Single(HclTokenKind.OpenBrace, position);
            case '}':
                return Single(HclTokenKind.CloseBrace, position);
            case '[':
                return Single(HclTokenKind.OpenBracket, position);
            case ']':
                return Single(HclTokenKind.CloseBracket, position);
            default:
                break;
        }

        if (char.IsAsciiDigit(character) || (character == '-' && char.IsAsciiDigit(Following)))
        {
            return ScanNumber(position);
        }

        if (char.IsLetter(character) || character == '_')
        {
            return new HclToken(HclTokenKind.Identifier, position, Take(IsIdentifierPart));
        }

        var shown = Rune.GetRuneAt(text, _at);
        return Error(position, $"unexpected character '{shown}'");
    }

    private static bool IsIdentifierPart(char character) =>
        char.IsLetterOrDigit(character) || character is '_' or '-' or '.';

    private static HclToken Error(HclPosition position, string message) => new(HclTokenKind.Error, position, message);

    private HclToken Single(HclTokenKind kind, HclPosition position) => new(kind, position, text[_at++].ToString());

    private string Take(Func<char, bool> part)
    {
        var start = _at;
        while (_at < text.Length && part(text[_at]))
        {
            _at++;
        }

        return text[start.._at];
    }

    private void Step()
    {
        if (text[_at++] == '\n')
        {
            _line++;
            _lineStart = _at;
        }
    }

    /// <summary>Skips white space and comments; the error is a comment without an end.</summary>
    private HclToken? SkipBlank()
    {
        while (_at < text.Length)
        {
            if (char.IsWhiteSpace(Current))
            {
                Step();
            }
            else if (Current == '#' || (Current == '/' && Following == '/'))
            {
                var end = text.IndexOf('\n', _at);
                _at = end < 0 ? text.Length : end;
            }
            else if (Current == '/' && Following == '*')
            {
                var position = Here;
                var end = text.IndexOf("*/", _at + 2, StringComparison.Ordinal);
                if (end < 0)
                {
                    return Error(position, "the comment is not closed with */");
                }

                while (_at < end + 2)
                {
                    Step();
                }
            }
            else
            {
                return null;
            }
        }

        return null;
    }

    private HclToken ScanNumber(HclPosition position)
    {
        // Everything that sticks to the digits is taken, so that 30s is one wrong number rather than two tokens.
        var start = _at++;
        while (IsIdentifierPart(Current) || (Current == '+' && text[_at - 1] is 'e' or 'E' && _at > start))
        {
            _at++;
        }

        var number = text[start.._at];
        return HclNumbers.TryParse(number, position, out _)
            ? new HclToken(HclTokenKind.Number, position, number)
            : Error(position, "expected a number; text such as \"30s\" needs quotes");
    }

    private HclToken ScanString(HclPosition position)
    {
        var result = new StringBuilder();
        _at++;
        while (true)
        {
            if (_at >= text.Length || Current == '\n')
            {
                return Error(position, "the string is not closed with '\"' on its line");
            }

            if (Current == '"')
            {
                _at++;
                return new HclToken(HclTokenKind.String, position, result.ToString());
            }

            if (Current == '$' && Following == '{')
            {
                if (!TakeInterpolation(result))
                {
                    return Error(position, "the '${' in the string is not closed with '}'");
                }
            }
            else if (Current == '\\')
            {
                var escape = Here;
                if (!HclEscapes.TryTake(text, ref _at, result))
                {
                    return Error(escape, "unknown escape; a backslash itself is written \\\\");
                }
            }
            else
            {
                result.Append(Current);
                _at++;
            }
        }
    }

    /// <summary>Text between <c>${</c> and its brace is not interpreted, and may hold quotes and line ends.</summary>
    private bool TakeInterpolation(StringBuilder result)
    {
        var depth = 0;
        while (_at < text.Length)
        {
            var character = Current;
            result.Append(character);
            Step();
            if (character == '{')
            {
                depth++;
            }
            else if (character == '}' && --depth == 0)
            {
                return true;
            }
        }

        return false;
    }

    private HclToken ScanHeredoc(HclPosition position)
    {
        _at += 2;
        var indented = Current == '-';
        if (indented)
        {
            _at++;
        }

        var marker = Take(IsIdentifierPart);
        Take(character => character is ' ' or '\t' or '\r');
        if (marker.Length == 0 || Current != '\n')
        {
            return Error(position, "expected a name and a new line after '<<'");
        }

        Step();
        var lines = new List<string>();
        while (_at < text.Length)
        {
            var end = text.IndexOf('\n', _at);
            var line = end < 0 ? text[_at..] : text[_at..end];
            if (line.AsSpan().Trim().Equals(marker, StringComparison.Ordinal))
            {
                _at += line.Length;
                var indent = indented ? line[..^line.AsSpan().TrimStart().Length] : "";
                return new HclToken(HclTokenKind.String, position, Join(lines, indent));
            }

            lines.Add(line);
            _at += line.Length;
            if (end >= 0)
            {
                Step();
            }
        }

        return Error(position, $"the text is not closed with a line '{(marker.Length <= 40 ? marker : marker[..40])}'");
    }

    /// <summary>The indentation of the closing line is taken from every line, when every line has it.</summary>
    private static string Join(List<string> lines, string indent)
    {
        var strip =
            indent.Length > 0
            && lines.TrueForAll(line => line.Length == 0 || line.StartsWith(indent, StringComparison.Ordinal));
        var result = new StringBuilder();
        foreach (var line in lines)
        {
            result.Append(strip && line.Length > 0 ? line.AsSpan(indent.Length) : line).Append('\n');
        }

        return result.ToString();
    }
}
