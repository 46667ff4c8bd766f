using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Language;

/// <summary>Goes through the tokens of a template.</summary>
internal sealed class TokenReader(Source source, List<Token> tokens)
{
    private int _at;

    /// <summary>The one that comes next.</summary>
    public Token Current => tokens[_at];

    /// <summary>A place to come back to by <see cref="GoBack"/>.</summary>
    public int Place => _at;

    public void GoBack(int place) => _at = place;

    /// <summary>Takes the current one; at the end it stays there.</summary>
    public Token Next()
    {
        var token = tokens[_at];
        _at = Math.Min(_at + 1, tokens.Count - 1);
        return token;
    }

    public void SkipSpace()
    {
        while (Current.Kind == TokenKind.Space)
        {
            Next();
        }
    }

    /// <summary>The keyword of the action that begins here, or null.</summary>
    public string? PeekKeyword()
    {
        if (Current.Kind != TokenKind.LeftDelimiter)
        {
            return null;
        }

        var ahead = _at + 1;
        while (tokens[ahead].Kind == TokenKind.Space)
        {
            ahead++;
        }

        return tokens[ahead].Kind == TokenKind.Keyword ? tokens[ahead].Text : null;
    }

    /// <summary>Takes one that is to be of that kind.</summary>
    /// <exception cref="TemplateException">It is of another.</exception>
    public Token Expect(TokenKind kind, string context)
    {
        var token = Next();
        return token.Kind == kind ? token : throw Unexpected(token, context);
    }

    /// <summary>Why a token cannot stand where it does.</summary>
    public TemplateException Unexpected(Token token, string context) =>
        source.Fail(
            token.Position,
            token.Kind switch
            {
                TokenKind.End => $"unexpected EOF in {context}",
                TokenKind.Keyword => $"unexpected <{token.Text}> in {context}",
                TokenKind.RightDelimiter => $"unexpected end of the action in {context}",
                _ => $"unexpected {GoPrint.Quote(source.Excerpt(token.Position, token.End))} in {context}",
            }
        );
}
