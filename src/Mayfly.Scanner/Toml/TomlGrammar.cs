namespace Mayfly.Scanner.Toml;

/// <summary>
/// The grammar of a document: lines with headers and with keys, and what may be added to which table. The first thing that
/// is wrong is remembered, and ends it. Used once.
/// </summary>
internal sealed partial class TomlGrammar(string text)
{
    private readonly TomlTable _root = new(1, TableOrigin.Header);
    private TomlTable _section = null!;
    private TomlError? _error;
    private int _at;

    private char Current => _at < text.Length ? text[_at] : '\0';

    private bool AtEnd => _at >= text.Length;

    public (TomlTable? Document, TomlError? Error) Read()
    {
        _section = _root;
        while (_error is null && !AtEnd)
        {
            SkipBlanks();
            if (Current == '[' && !AtEnd)
            {
                Header();
            }
            else if (!AtEnd && Current is not ('\n' or '\r' or '#'))
            {
                KeyAndValue(_section);
            }

            if (_error is null)
            {
                EndOfLine();
            }
        }

        return _error is null ? (_root, null) : (null, _error);
    }

    /// <summary>Blanks and a comment, and then the end of the line or of the document.</summary>
    private bool EndOfLine()
    {
        SkipBlanks();
        if (Current == '#' && !AtEnd && !SkipComment())
        {
            return false;
        }

        if (AtEnd || TakeLineEnd())
        {
            return true;
        }

        return Fail(Current == '\r' ? "a carriage return without a line feed" : $"{Shown()} where the line should end");
    }

    private bool SkipComment()
    {
        while (!AtEnd && Current is not ('\n' or '\r'))
        {
            if (IsControl(Current))
            {
                return Fail($"{Shown()} in a comment");
            }

            _at++;
        }

        return true;
    }

    private bool TakeLineEnd()
    {
        if (Current == '\n' && !AtEnd)
        {
            _at++;
            return true;
        }

        if (Current == '\r' && _at + 1 < text.Length && text[_at + 1] == '\n')
        {
            _at += 2;
            return true;
        }

        return false;
    }

    private void SkipBlanks()
    {
        while (!AtEnd && Current is ' ' or '\t')
        {
            _at++;
        }
    }

    private bool Header()
    {
        var start = _at++;
        var ofTables = Take('[');
        if (!Key(out var path) || !Expect(']') || (ofTables && !Expect(']')))
        {
            return false;
        }

        var table = _root;
        for (var i = 0; i < path.Count - 1; i++)
        {
            switch (table[path[i]])
            {
                case null:
                    var implied = new TomlTable(LineAt(start), TableOrigin.Implied);
                    table.Add(path[i], implied);
                    table = implied;
                    break;
                case TomlTable { Origin: not TableOrigin.Inline } known:
                    table = known;
                    break;
                case TomlArray { OfTables: true } array:
                    table = (TomlTable)array.Values[^1];
                    break;
                default:
                    return Fail($"\"{path[i]}\" is not a table that can be added to", start);
            }
        }

        var name = path[^1];
        var made = new TomlTable(LineAt(start), TableOrigin.Header);
        switch (table[name], ofTables)
        {
            case (null, false):
                table.Add(name, made);
                break;
            case (null, true):
                var first = new TomlArray(LineAt(start), ofTables: true);
                first.Values.Add(made);
                table.Add(name, first);
                break;
            case (TomlTable { Origin: TableOrigin.Implied } implied, false):
                implied.Origin = TableOrigin.Header;
                made = implied;
                break;
            case (TomlArray { OfTables: true } array, true):
                array.Values.Add(made);
                break;
            default:
                return Fail($"\"{name}\" has been defined before", start);
        }

        _section = made;
        return true;
    }

    private bool KeyAndValue(TomlTable table, int depth = 0)
    {
        var start = _at;
        if (!Key(out var path))
        {
            return false;
        }

        for (var i = 0; i < path.Count - 1; i++)
        {
            switch (table[path[i]])
            {
                case null:
                    var made = new TomlTable(LineAt(start), TableOrigin.DottedKey);
                    table.Add(path[i], made);
                    table = made;
                    break;
                case TomlTable { Origin: TableOrigin.DottedKey } known:
                    table = known;
                    break;
                default:
                    return Fail(
                        $"\"{path[i]}\" has been defined before, and cannot be added to by a dotted key",
                        start
                    );
            }
        }

        if (table[path[^1]] is not null)
        {
            return Fail($"\"{path[^1]}\" has been defined before", start);
        }

        if (!Expect('='))
        {
            return false;
        }

        SkipBlanks();
        if (Value(depth) is not { } value)
        {
            return false;
        }

        table.Add(path[^1], value);
        return true;
    }

    private bool Key(out List<string> path)
    {
        path = [];
        do
        {
            SkipBlanks();
            if (AtEnd)
            {
                return Fail("a key is missing");
            }

            string? name;
            switch (Current)
            {
                case '"':
                    name = BasicString();
                    break;
                case '\'':
                    name = LiteralString();
                    break;
                default:
                    var start = _at;
                    while (!AtEnd && (char.IsAsciiLetterOrDigit(Current) || Current is '_' or '-'))
                    {
                        _at++;
                    }

                    name = text[start.._at];
                    if (name.Length == 0)
                    {
                        return Fail($"{Shown()} where a key should be");
                    }

                    break;
            }

            if (name is null)
            {
                return false;
            }

            path.Add(name);
            SkipBlanks();
        } while (Take('.'));

        return true;
    }

    private bool Take(char wanted)
    {
        if (AtEnd || Current != wanted)
        {
            return false;
        }

        _at++;
        return true;
    }

    private bool Expect(char wanted)
    {
        SkipBlanksUnlessBracket(wanted);
        return Take(wanted) || Fail($"{Shown()} where '{wanted}' should be");
    }

    /// <summary>The two brackets of <c>]]</c> stand together.</summary>
    private void SkipBlanksUnlessBracket(char wanted)
    {
        if (wanted != ']' || (_at > 0 && text[_at - 1] != ']'))
        {
            SkipBlanks();
        }
    }

    private bool Fail(string message, int? at = null)
    {
        var place = at ?? _at;
        var line = LineAt(place);
        var column = place - (place == 0 ? -1 : text.LastIndexOf('\n', place - 1));
        _error ??= new TomlError(line, column, message);
        return false;
    }

    // Only asked for values, headers and errors, and each time from the last place on.
    private int _countedTo;
    private int _line = 1;

    private int LineAt(int place)
    {
        if (place < _countedTo)
        {
            (_countedTo, _line) = (0, 1);
        }

        _line += text.AsSpan(_countedTo, place - _countedTo).Count('\n');
        _countedTo = place;
        return _line;
    }

    private string Shown() =>
        AtEnd ? "the document ends"
        : IsControl(Current) || char.IsSurrogate(Current) || Current is '\n' or '\r' ? $"U+{(int)Current:X4}"
        : $"'{Current}'";

    private static bool IsControl(char character) => character is < ' ' and not '\t' or '\u007F';
}
