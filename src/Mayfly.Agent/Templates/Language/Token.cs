namespace Mayfly.Agent.Templates.Language;

internal enum TokenKind
{
    Text,
    LeftDelimiter,
    RightDelimiter,
    Space,
    Identifier,
    Keyword,
    Field,
    Variable,
    Dot,
    String,
    Character,
    Number,
    Declare,
    Assign,
    Pipe,
    LeftParenthesis,
    RightParenthesis,
    Comma,
    End,
}

/// <summary>A piece of a template's source, from <paramref name="Position"/> on.</summary>
internal readonly record struct Token(TokenKind Kind, int Position, string Text)
{
    public int End => Position + Text.Length;

    public bool Is(string keyword) => Kind == TokenKind.Keyword && Text == keyword;
}
