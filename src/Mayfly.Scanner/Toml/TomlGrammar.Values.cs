using System.Globalization;
using System.Text;

namespace Mayfly.Scanner.Toml;

internal sealed partial class TomlGrammar
{
    private TomlValue? Value(int depth)
    {
        var start = _at;
        if (depth > TomlReader.MaxDepth)
        {
            return Refuse($"values are nested deeper than {TomlReader.MaxDepth}");
        }

        if (AtEnd)
        {
            return Refuse("a value is missing");
        }

        switch (Current)
        {
            case '"':
                return Scalar(start, text.AsSpan(_at).StartsWith("\"\"\"") ? LongString('"') : BasicString());
            case '\'':
                return Scalar(start, text.AsSpan(_at).StartsWith("'''") ? LongString('\'') : LiteralString());
            case '[':
                return Array(depth);
            case '{':
                return InlineTable(depth);
            default:
                return Word(start);
        }
    }

    private TomlScalar? Scalar(int start, string? value) =>
        value is null ? null : new TomlScalar(TomlKind.String, LineAt(start), value);

    private TomlArray? Array(int depth)
    {
        var array = new TomlArray(LineAt(_at), ofTables: false);
        _at++;
        while (true)
        {
            if (!SkipLines())
            {
                return null;
            }

            if (Take(']'))
            {
                return array;
            }

            if (Value(depth + 1) is not { } value)
            {
                return null;
            }

            array.Values.Add(value);
            if (!SkipLines())
            {
                return null;
            }

            if (!Take(',') && Current != ']')
            {
                Fail($"{Shown()} where ',' or ']' should be");
                return null;
            }
        }
    }

    /// <summary>Blanks, line ends and comments, as they may stand in an array.</summary>
    private bool SkipLines()
    {
        while (true)
        {
            SkipBlanks();
            if (AtEnd)
            {
                return Fail("an array does not end");
            }

            if (Current == '#' && !SkipComment())
            {
                return false;
            }

            if (!TakeLineEnd())
            {
                return true;
            }
        }
    }

    private TomlTable? InlineTable(int depth)
    {
        var table = new TomlTable(LineAt(_at), TableOrigin.Header);
        _at++;
        SkipBlanks();
        if (!Take('}'))
        {
            do
            {
                if (!KeyAndValue(table, depth + 1))
                {
                    return null;
                }

                SkipBlanks();
            } while (Take(','));

            if (!Expect('}'))
            {
                return null;
            }
        }

        Close(table);
        return table;
    }

    /// <summary>Nothing outside of the braces adds to what is in them.</summary>
    private static void Close(TomlTable table)
    {
        table.Origin = TableOrigin.Inline;
        foreach (var value in table.Members.Values)
        {
            if (value is TomlTable { Origin: not TableOrigin.Inline } inner)
            {
                Close(inner);
            }
        }
    }

    private TomlScalar? Word(int start)
    {
        while (!AtEnd && (char.IsAsciiLetterOrDigit(Current) || Current is '_' or '-' or '+' or '.' or ':'))
        {
            _at++;
        }

        // A blank may stand between a date and its time.
        var word = text[start.._at];
        if (
            TomlTime.IsDate(word)
            && _at + 2 < text.Length
            && text[_at] == ' '
            && char.IsAsciiDigit(text[_at + 1])
            && char.IsAsciiDigit(text[_at + 2])
        )
        {
            _at++;
            while (!AtEnd && (char.IsAsciiLetterOrDigit(Current) || Current is '-' or '+' or '.' or ':'))
            {
                _at++;
            }

            word = text[start.._at];
        }

        if (word.Length == 0)
        {
            return Refuse($"{Shown()} where a value should be");
        }

        var line = LineAt(start);
        if (word is "true" or "false")
        {
            return new TomlScalar(TomlKind.Boolean, line, word == "true");
        }

        if (TomlTime.Read(word) is { } time)
        {
            return new TomlScalar(time.Kind, line, time.Text);
        }

        var (number, problem) = TomlNumber.Read(word);
        if (number is null)
        {
            Fail(problem!, start);
            return null;
        }

        return new TomlScalar(number is long ? TomlKind.Integer : TomlKind.Float, line, number);
    }

    private TomlScalar? Refuse(string message)
    {
        Fail(message);
        return null;
    }

    private string? LiteralString()
    {
        var start = ++_at;
        while (!AtEnd && Current != '\'')
        {
            if (IsControl(Current))
            {
                Fail(Current is '\n' or '\r' ? "a string does not end on its line" : $"{Shown()} in a string");
                return null;
            }

            _at++;
        }

        if (AtEnd)
        {
            Fail("a string does not end", start - 1);
            return null;
        }

        return text[start.._at++];
    }

    private string? BasicString()
    {
        var start = _at++;
        var result = new StringBuilder();
        while (!AtEnd)
        {
            var character = Current;
            if (character == '"')
            {
                _at++;
                return result.ToString();
            }

            if (IsControl(character))
            {
                Fail(character is '\n' or '\r' ? "a string does not end on its line" : $"{Shown()} in a string");
                return null;
            }

            if (character == '\\')
            {
                if (!Escape(result))
                {
                    return null;
                }
            }
            else
            {
                result.Append(character);
                _at++;
            }
        }

        Fail("a string does not end", start);
        return null;
    }

    /// <summary>A string in three quotes, over as many lines as it likes.</summary>
    private string? LongString(char quote)
    {
        var start = _at;
        var result = new StringBuilder();
        _at += 3;
        TakeLineEnd();
        while (!AtEnd)
        {
            var character = Current;
            if (character == quote)
            {
                var quotes = CountQuotes(quote);
                if (quotes >= 3)
                {
                    // Up to two belong to the text, before the three that end it.
                    result.Append(quote, quotes - 3);
                    _at += quotes;
                    return result.ToString();
                }

                result.Append(quote, quotes);
                _at += quotes;
            }
            else if (character == '\r' && !(_at + 1 < text.Length && text[_at + 1] == '\n'))
            {
                Fail("a carriage return without a line feed");
                return null;
            }
            else if (IsControl(character) && character is not ('\n' or '\r'))
            {
                Fail($"{Shown()} in a string");
                return null;
            }
            else if (character == '\\' && quote == '"')
            {
                if (!SkipFoldedLines() && !Escape(result))
                {
                    return null;
                }
            }
            else
            {
                result.Append(character);
                _at++;
            }
        }

        Fail("a string does not end", start);
        return null;
    }

    private int CountQuotes(char quote)
    {
        var count = 0;
        while (count < 5 && _at + count < text.Length && text[_at + count] == quote)
        {
            count++;
        }

        return count;
    }

    /// <summary>A backslash at the end of a line takes away all white space up to the next character.</summary>
    private bool SkipFoldedLines()
    {
        var start = _at++;
        SkipBlanks();
        if (!TakeLineEnd())
        {
            _at = start;
            return false;
        }

        do
        {
            SkipBlanks();
        } while (TakeLineEnd());

        return true;
    }

    private bool Escape(StringBuilder result)
    {
        var start = _at++;
        var kind = Current;
        if (AtEnd)
        {
            return Fail("a string does not end", start);
        }

        _at++;
        switch (kind)
        {
            case 'b':
                result.Append('\b');
                return true;
            case 't':
                result.Append('\t');
                return true;
            case 'n':
                result.Append('\n');
                return true;
            case 'f':
                result.Append('\f');
                return true;
            case 'r':
                result.Append('\r');
                return true;
            case '"' or '\\':
                result.Append(kind);
                return true;
            case 'u' or 'U':
                var digits = kind == 'u' ? 4 : 8;
                if (
                    _at + digits <= text.Length
                    && uint.TryParse(
                        text.AsSpan(_at, digits),
                        NumberStyles.AllowHexSpecifier,
                        CultureInfo.InvariantCulture,
                        out var code
                    )
                    && Rune.IsValid(code)
                )
                {
                    result.Append(new Rune(code).ToString());
                    _at += digits;
                    return true;
                }

                return Fail($"\\{kind} needs {digits} hexadecimal digits of a Unicode character", start);
            default:
                return Fail($"\\{(char.IsControl(kind) ? "" : kind)} is no escape", start);
        }
    }
}
