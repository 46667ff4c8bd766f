namespace Mayfly.Hcl;

internal enum HclTokenKind
{
    End,
    Identifier,
    String,
    Number,
    Assign,
    Comma,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,

    /// <summary>Not a token; the text says why.</summary>
    Error,
}

/// <summary>A token; for strings the text is what they stand for.</summary>
internal readonly record struct HclToken(HclTokenKind Kind, HclPosition Position, string Text)
{
    /// <summary>For "expected …, found …".</summary>
    public string Shown =>
        Kind switch
        {
            HclTokenKind.End => "the end of the document",
            HclTokenKind.String => "a string",
            HclTokenKind.Identifier or HclTokenKind.Number => Text.Length <= 40 ? Text : Text[..40] + "…",
            _ => $"'{Text}'",
        };
}
