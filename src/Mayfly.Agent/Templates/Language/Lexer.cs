using System.Buffers;
using System.Text;

namespace Mayfly.Agent.Templates.Language;

/// <summary>
/// Cuts a template into text and the tokens of its actions, as https://pkg.go.dev/text/template describes them: trim markers,
/// comments, and delimiters of the template's own.
/// </summary>
internal ref struct Lexer
{
    private static readonly SearchValues<char> White = SearchValues.Create(" \t\r\n");

    private static readonly HashSet<string> Keywords = new(StringComparer.Ordinal)
    {
        "block",
        "break",
        "continue",
        "define",
        "else",
        "end",
        "if",
        "range",
        "nil",
        "template",
        "with",
        "true",
        "false",
    };

    private readonly Source _source;
    private readonly string _text;
    private readonly string _left;
    private readonly string _right;
    private readonly List<Token> _tokens = [];
    private int _at;
    private int _open;

    private Lexer(Source source, string left, string right)
    {
        _source = source;
        _text = source.Text;
        _left = left;
        _right = right;
    }

    /// <summary>The tokens, of which the last is the end.</summary>
    /// <exception cref="TemplateException">The text is no template.</exception>
    public static List<Token> Run(Source source, string left, string right)
    {
        var lexer = new Lexer(source, left, right);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        var trimNext = false;
        while (true)
        {
            if (trimNext)
            {
                SkipWhite();
            }

            var start = _text.IndexOf(_left, _at, StringComparison.Ordinal);
            var end = start < 0 ? _text.Length : start;
            var isTrimmed = start >= 0 && IsTrimLeft(start + _left.Length);
            Text(end, isTrimmed);
            if (start < 0)
            {
                break;
            }

            _at = start + _left.Length;
            var inside = isTrimmed ? _at + 2 : _at;
            if (_text.AsSpan(inside).StartsWith("/*", StringComparison.Ordinal))
            {
                _at = inside;
                trimNext = Comment(start);
            }
            else
            {
                Add(TokenKind.LeftDelimiter, start, isTrimmed ? _at + 1 : _at);
                _at = isTrimmed ? _at + 1 : _at;
                trimNext = Action(start);
            }
        }

        Add(TokenKind.End, _text.Length, _text.Length);
    }

    private void Text(int end, bool isTrimmed)
    {
        var text = _text.AsSpan(_at, end - _at);
        if (isTrimmed)
        {
            text = text.TrimEnd(" \t\r\n");
        }

        if (!text.IsEmpty)
        {
            _tokens.Add(new Token(TokenKind.Text, _at, text.ToString()));
        }

        _at = end;
    }

    /// <summary>Returns whether white space after it goes.</summary>
    private bool Comment(int start)
    {
        var end = _text.IndexOf("*/", _at + 2, StringComparison.Ordinal);
        if (end < 0)
        {
            throw _source.Fail(start, "unclosed comment");
        }

        _at = end + 2;
        var trims = IsTrimRight(_at);
        _at += trims ? 2 : 0;
        if (!_text.AsSpan(_at).StartsWith(_right, StringComparison.Ordinal))
        {
            throw _source.Fail(start, "comment ends before closing delimiter");
        }

        _at += _right.Length;
        return trims;
    }

    /// <summary>The tokens up to the right delimiter. Returns whether white space after it goes.</summary>
    private bool Action(int start)
    {
        _open = 0;
        while (true)
        {
            if (_at >= _text.Length)
            {
                throw _source.Fail(start, "unclosed action");
            }

            var trims = IsTrimRight(_at);
            if (trims || _text.AsSpan(_at).StartsWith(_right, StringComparison.Ordinal))
            {
                if (_open > 0)
                {
                    throw _source.Fail(_at, "unclosed left paren");
                }

                var end = _at + (trims ? 2 : 0) + _right.Length;
                Add(TokenKind.RightDelimiter, _at, end);
                _at = end;
                return trims;
            }

            Inside();
        }
    }

    private void Inside()
    {
        var first = _text[_at];
        switch (first)
        {
            case ' ' or '\t' or '\r' or '\n':
                Space();
                break;
            case '"':
                Quoted('"', TokenKind.String, "unterminated quoted string");
                break;
            case '`':
                Raw();
                break;
            case '\'':
                Quoted('\'', TokenKind.Character, "unterminated character constant");
                break;
            case '$':
                Name(TokenKind.Variable);
                break;
            case '.' when !char.IsAsciiDigit(Peek(1)):
                Name(TokenKind.Field);
                break;
            case '=':
                One(TokenKind.Assign);
                break;
            case ':' when Peek(1) == '=':
                Add(TokenKind.Declare, _at, _at + 2);
                _at += 2;
                break;
            case ':':
                throw _source.Fail(_at, "expected :=");
            case '|':
                One(TokenKind.Pipe);
                break;
            case ',':
                One(TokenKind.Comma);
                break;
            case '(':
                _open++;
                One(TokenKind.LeftParenthesis);
                break;
            case ')' when _open == 0:
                throw _source.Fail(_at, "unexpected right paren");
            case ')':
                _open--;
                One(TokenKind.RightParenthesis);
                break;
            case '+' or '-' or '.' or (>= '0' and <= '9'):
                Number();
                break;
            default:
                if (!IsNameStart(first))
                {
                    throw _source.Fail(_at, "unrecognized character in action");
                }

                Name(TokenKind.Identifier);
                break;
        }
    }

    private void Space()
    {
        var start = _at;
        while (_at < _text.Length && White.Contains(_text[_at]) && !IsTrimRight(_at))
        {
            _at++;
        }

        Add(TokenKind.Space, start, _at);
    }

    private void Quoted(char quote, TokenKind kind, string problem)
    {
        var start = _at++;
        while (true)
        {
            var next = _at < _text.Length ? _text[_at] : '\n';
            if (next == '\n')
            {
                throw _source.Fail(start, problem);
            }

            _at += next == '\\' && Peek(1) is not ('\0' or '\n') ? 2 : 1;
            if (next == quote)
            {
                Add(kind, start, _at);
                return;
            }
        }
    }

    private void Raw()
    {
        var end = _text.IndexOf('`', _at + 1);
        if (end < 0)
        {
            throw _source.Fail(_at, "unterminated raw quoted string");
        }

        Add(TokenKind.String, _at, end + 1);
        _at = end + 1;
    }

    /// <summary>An identifier, a keyword, a field or a variable, which begins with any character.</summary>
    private void Name(TokenKind kind)
    {
        var start = _at++;
        while (_at < _text.Length && IsNamePart(_text[_at]))
        {
            _at++;
        }

        var name = _text.AsSpan(start, _at - start);
        if (!AtEndOfName())
        {
            throw _source.Fail(_at, "bad character after a name");
        }

        if (kind == TokenKind.Identifier && Keywords.Contains(name.ToString()))
        {
            kind = TokenKind.Keyword;
        }

        Add(kind == TokenKind.Field && name.Length == 1 ? TokenKind.Dot : kind, start, _at);
    }

    private void Number()
    {
        var start = _at;
        _at += _text[_at] is '+' or '-' ? 1 : 0;
        while (_at < _text.Length && (IsNamePart(_text[_at]) || _text[_at] == '.' || IsExponentSign(start)))
        {
            _at++;
        }

        Add(TokenKind.Number, start, _at);
    }

    private readonly bool IsExponentSign(int start)
    {
        if (_text[_at] is not ('+' or '-') || _at == start)
        {
            return false;
        }

        var isHex = _text
            .AsSpan(start, _at - start)
            .TrimStart("+-")
            .StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return isHex ? _text[_at - 1] is 'p' or 'P' : _text[_at - 1] is 'e' or 'E';
    }

    private readonly bool AtEndOfName() =>
        _at >= _text.Length
        || White.Contains(_text[_at])
        || _text[_at] is '.' or ',' or '|' or ':' or '=' or ')' or '('
        || _text.AsSpan(_at).StartsWith(_right, StringComparison.Ordinal);

    private void One(TokenKind kind)
    {
        Add(kind, _at, _at + 1);
        _at++;
    }

    private readonly void Add(TokenKind kind, int start, int end) =>
        _tokens.Add(new Token(kind, start, _text[start..end]));

    private void SkipWhite()
    {
        while (_at < _text.Length && White.Contains(_text[_at]))
        {
            _at++;
        }
    }

    private readonly char Peek(int ahead) => _at + ahead < _text.Length ? _text[_at + ahead] : '\0';

    /// <summary>A minus and white space after the left delimiter.</summary>
    private readonly bool IsTrimLeft(int at) =>
        at + 1 < _text.Length && _text[at] == '-' && White.Contains(_text[at + 1]);

    /// <summary>White space, a minus and the right delimiter.</summary>
    private readonly bool IsTrimRight(int at) =>
        at + 1 < _text.Length
        && White.Contains(_text[at])
        && _text[at + 1] == '-'
        && _text.AsSpan(at + 2).StartsWith(_right, StringComparison.Ordinal);

    private static bool IsNameStart(char character) => character == '_' || char.IsLetter(character);

    private static bool IsNamePart(char character) => IsNameStart(character) || char.IsDigit(character);
}
