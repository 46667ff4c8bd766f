namespace Mayfly.Core.Engines.Database.Sql;

/// <summary>How a database writes SQL, as far as <see cref="SqlTemplate"/> has to know. Immutable.</summary>
internal sealed record SqlDialect
{
    /// <summary>What literals stand in.</summary>
    public required string StringQuotes { get; init; }

    /// <summary>What identifiers stand in.</summary>
    public required char IdentifierQuote { get; init; }

    /// <summary>A backslash in a literal takes the next character as it is, unless the literal begins with E in any case.</summary>
    public required bool BackslashEscapes { get; init; }

    /// <summary><c>$tag$ … $tag$</c>, and comments inside comments.</summary>
    public required bool DollarQuotes { get; init; }

    /// <summary><c># …</c></summary>
    public required bool HashComments { get; init; }

    /// <summary>A literal with its quotes.</summary>
    public required Func<string, string> Literal { get; init; }

    public string Identifier(string name) =>
        $"{IdentifierQuote}{name.Replace($"{IdentifierQuote}", $"{IdentifierQuote}{IdentifierQuote}", StringComparison.Ordinal)}{IdentifierQuote}";
}
