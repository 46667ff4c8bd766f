namespace Mayfly.Core.Engines.Database.Sql;

/// <summary>Reads SQL far enough to know where a statement ends, and what a placeholder stands in.</summary>
internal sealed class SqlReader
{
    private readonly string _text;
    private readonly SqlDialect _dialect;
    private readonly bool _inDollars;
    private readonly List<SqlStatement> _statements = [];
    private List<SqlPiece> _pieces = [];
    private int _at;

    /// <summary>Where the text begins that has not become a piece yet.</summary>
    private int _from;
    private string? _problem;

    private SqlReader(string text, SqlDialect dialect, bool inDollars)
    {
        _text = text;
        _dialect = dialect;
        _inDollars = inDollars;
    }

    /// <returns>The statements that are not empty, or what is wrong with the text.</returns>
    public static (IReadOnlyList<SqlStatement>? Statements, string? Problem) Read(string text, SqlDialect dialect)
    {
        var reader = new SqlReader(text, dialect, inDollars: false);
        reader.ReadAll();
        reader.EndStatement();
        return reader._problem is { } problem ? (null, problem) : (reader._statements, null);
    }

    private void ReadAll()
    {
        while (_problem is null && _at < _text.Length)
        {
            var character = _text[_at];
            if (character == ';' && !_inDollars)
            {
                EndStatement();
            }
            else if (_dialect.StringQuotes.Contains(character))
            {
                Quoted(character, SqlPlace.Literal, EscapesIn());
            }
            else if (character == _dialect.IdentifierQuote)
            {
                Quoted(character, SqlPlace.Identifier, escapes: false);
            }
            else if (IsAt("--") || (_dialect.HashComments && character == '#'))
            {
                Comment(_text.IndexOf('\n', _at), 1);
            }
            else if (IsAt("/*"))
            {
                BlockComment();
            }
            else if (character == '$' && _dialect.DollarQuotes && DollarTag() is { } tag)
            {
                Dollars(tag);
            }
            else if (IsAt("{{"))
            {
                Placeholder();
            }
            else
            {
                _at++;
            }
        }
    }

    private void EndStatement()
    {
        Text(_at);
        _at++;
        _from = _at;
        Trim();
        if (_pieces.Count > 0)
        {
            _statements.Add(new SqlStatement(_pieces));
        }

        _pieces = [];
    }

    private void Trim()
    {
        if (_pieces is [{ Placeholder: null } first, ..])
        {
            _pieces[0] = first with { Text = first.Text.TrimStart() };
        }

        if (_pieces is [.., { Placeholder: null } last])
        {
            _pieces[^1] = last with { Text = last.Text.TrimEnd() };
        }

        _pieces.RemoveAll(piece => piece is { Placeholder: null, Text: "" });
    }

    /// <summary>A literal or an identifier. When a placeholder is all of it, the value brings its own quotes.</summary>
    private void Quoted(char quote, SqlPlace place, bool escapes)
    {
        var start = _at++;
        while (_at < _text.Length)
        {
            if (escapes && _text[_at] == '\\')
            {
                _at += 2;
                continue;
            }

            if (_text[_at] == quote)
            {
                if (_at + 1 >= _text.Length || _text[_at + 1] != quote)
                {
                    break;
                }

                _at++;
            }

            _at++;
        }

        if (_at >= _text.Length)
        {
            _problem = $"the {quote} at character {start + 1} is not closed";
            return;
        }

        _at++;
        var inner = _text.AsSpan(start + 1, _at - start - 2);
        if (!_inDollars && !HasPrefix(start) && WholePlaceholder(inner) is { } name)
        {
            Text(start);
            _pieces.Add(new SqlPiece("", name, place));
            _from = _at;
            return;
        }

        Inside(start, _at, SqlPlace.InsideQuotes);
    }

    /// <summary>Whether a letter stands before the quote, which gives the literal another meaning: <c>E'…'</c>, <c>X'…'</c>.</summary>
    private bool HasPrefix(int quote) =>
        quote > 0 && (char.IsLetterOrDigit(_text[quote - 1]) || _text[quote - 1] is '&' or '_');

    private bool EscapesIn() =>
        _dialect.BackslashEscapes
        || (
            _at > 0
            && _text[_at - 1] is 'e' or 'E'
            && (_at < 2 || !(char.IsLetterOrDigit(_text[_at - 2]) || _text[_at - 2] == '_'))
        );

    private void Comment(int end, int endLength)
    {
        var start = _at;
        _at = end < 0 ? _text.Length : end + endLength;
        Inside(start, _at, SqlPlace.InsideText);
    }

    private void BlockComment()
    {
        var start = _at;
        var depth = 0;
        do
        {
            if (IsAt("/*") && (depth == 0 || _dialect.DollarQuotes))
            {
                depth++;
                _at += 2;
            }
            else if (IsAt("*/"))
            {
                depth--;
                _at += 2;
            }
            else
            {
                _at++;
            }
        } while (depth > 0 && _at < _text.Length);

        if (depth > 0)
        {
            _problem = $"the comment at character {start + 1} is not closed";
            return;
        }

        Inside(start, _at, SqlPlace.InsideText);
    }

    /// <summary>The tag that begins here with both its dollars, or null when a dollar is just a part of a name or a number.</summary>
    private string? DollarTag()
    {
        if (_at > 0 && (char.IsLetterOrDigit(_text[_at - 1]) || _text[_at - 1] is '_' or '$'))
        {
            return null;
        }

        var end = _at + 1;
        while (end < _text.Length && (char.IsLetterOrDigit(_text[end]) || _text[end] == '_'))
        {
            end++;
        }

        return end < _text.Length && _text[end] == '$' && !char.IsAsciiDigit(_text[_at + 1])
            ? _text[_at..(end + 1)]
            : null;
    }

    private void Dollars(string tag)
    {
        var start = _at + tag.Length;
        var end = _text.IndexOf(tag, start, StringComparison.Ordinal);
        if (end < 0)
        {
            _problem = $"the {tag} at character {_at + 1} is not closed";
            return;
        }

        // What stands in it is mostly code, such as that of DO; when it cannot be read as such, it is just text.
        var body = new SqlReader(_text[start..end], _dialect, inDollars: true);
        body.ReadAll();
        body.Text(body._text.Length);
        if (body._problem is not null)
        {
            Inside(start, end, SqlPlace.InsideText);
            _at = end + tag.Length;
            return;
        }

        Text(start);
        _pieces.AddRange(body._pieces);
        _from = end;
        _at = end + tag.Length;
    }

    private void Placeholder()
    {
        var end = _text.IndexOf("}}", _at, StringComparison.Ordinal);
        if (end < 0 || WholePlaceholder(_text.AsSpan(_at, end + 2 - _at)) is not { } name)
        {
            _problem = $"the {{{{ at character {_at + 1} is no placeholder";
            return;
        }

        var isPart = IsWord(_at - 1) || IsWord(end + 2);
        Text(_at);
        _pieces.Add(new SqlPiece("", name, _inDollars || isPart ? SqlPlace.InsideText : SqlTemplate.PlaceOf(name)));
        _at = end + 2;
        _from = _at;
    }

    private bool IsWord(int at) =>
        at >= 0 && at < _text.Length && (char.IsLetterOrDigit(_text[at]) || _text[at] is '_' or '$');

    /// <summary>Placeholders in a text that is more than they are.</summary>
    private void Inside(int start, int end, SqlPlace place)
    {
        for (var at = start; at < end; )
        {
            var open = _text.IndexOf("{{", at, end - at, StringComparison.Ordinal);
            var close = open < 0 ? -1 : _text.IndexOf("}}", open, end - open, StringComparison.Ordinal);
            if (close < 0)
            {
                return;
            }

            if (WholePlaceholder(_text.AsSpan(open, close + 2 - open)) is { } name)
            {
                Text(open);
                _pieces.Add(new SqlPiece("", name, place));
                _from = close + 2;
            }

            at = close + 2;
        }
    }

    /// <summary>What stands before <paramref name="end"/> and is no piece yet becomes one.</summary>
    private void Text(int end)
    {
        end = Math.Min(end, _text.Length);
        if (end > _from)
        {
            _pieces.Add(new SqlPiece(_text[_from..end], null, default));
            _from = end;
        }
    }

    private static string? WholePlaceholder(ReadOnlySpan<char> text)
    {
        if (
            text.Length < 5
            || !text.StartsWith("{{", StringComparison.Ordinal)
            || !text.EndsWith("}}", StringComparison.Ordinal)
        )
        {
            return null;
        }

        var name = text[2..^2].Trim();
        foreach (var character in name)
        {
            if (!char.IsAsciiLetterOrDigit(character) && character != '_')
            {
                return null;
            }
        }

        return name.IsEmpty ? null : name.ToString();
    }

    private bool IsAt(string text) => _text.AsSpan(_at).StartsWith(text, StringComparison.Ordinal);
}
