using System.Buffers;
using System.Text;

namespace Mayfly.Core.Engines.Database.Sql;

/// <summary>One statement of a template: text, and places for values. Immutable.</summary>
internal sealed record SqlStatement(IReadOnlyList<SqlPiece> Pieces)
{
    /// <summary>What a value that cannot be quoted where it stands may be made of.</summary>
    private static readonly SearchValues<char> Plain = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.@:+ "
    );

    public bool Uses(string placeholder) => Pieces.Any(piece => piece.Placeholder == placeholder);

    /// <summary>The first word in capitals, behind comments and spaces.</summary>
    public string Verb
    {
        get
        {
            var text = Pieces.Count == 0 ? "" : Pieces[0].Text.TrimStart();
            while (text.StartsWith("--", StringComparison.Ordinal) || text.StartsWith("/*", StringComparison.Ordinal))
            {
                var close = text[0] == '-' ? "\n" : "*/";
                var after = text.IndexOf(close, StringComparison.Ordinal);
                text = after < 0 ? "" : text[(after + close.Length)..].TrimStart();
            }

            var end = 0;
            while (end < text.Length && char.IsAsciiLetter(text[end]))
            {
                end++;
            }

            return text[..end].ToUpperInvariant();
        }
    }

    /// <returns>The statement, or why a value cannot stand in it.</returns>
    public (string? Sql, string? Problem) Render(SqlDialect dialect, IReadOnlyDictionary<string, string> values)
    {
        var sql = new StringBuilder();
        foreach (var piece in Pieces)
        {
            if (piece.Placeholder is not { } placeholder)
            {
                sql.Append(piece.Text);
                continue;
            }

            var value = values[placeholder];
            switch (piece.Place)
            {
                case SqlPlace.Identifier:
                    sql.Append(dialect.Identifier(value));
                    break;
                case SqlPlace.Literal:
                    sql.Append(dialect.Literal(value));
                    break;
                case var place when IsPlain(value, place):
                    sql.Append(value);
                    break;
                default:
                    return (
                        null,
                        $"{{{{{placeholder}}}}} stands inside other text, where only letters, digits and _-.@:+ can be put "
                            + $"safely, and what it stands for has another character; put it alone into quotes"
                    );
            }
        }

        return (sql.ToString(), null);
    }

    private static bool IsPlain(string value, SqlPlace place) =>
        !value.AsSpan().ContainsAnyExcept(Plain)
        && (place == SqlPlace.InsideQuotes || !value.Contains("--", StringComparison.Ordinal));
}

/// <summary>Text, or a place for a value. Immutable.</summary>
internal readonly record struct SqlPiece(string Text, string? Placeholder, SqlPlace Place);

/// <summary>Where in a statement a value stands, which says how it has to be quoted.</summary>
internal enum SqlPlace
{
    /// <summary>In place of an identifier: quoted as one.</summary>
    Identifier,

    /// <summary>In place of a literal: quoted as one.</summary>
    Literal,

    /// <summary>In a longer literal, identifier or comment.</summary>
    InsideQuotes,

    /// <summary>In the text between dollar quotes, or as a part of a word.</summary>
    InsideText,
}
