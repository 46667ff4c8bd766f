using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database.Sql;

/// <summary>
/// The statements of a role, with <c>{{name}}</c> (or <c>{{username}}</c>), <c>{{password}}</c> and <c>{{expiration}}</c>.
/// They are read as SQL, so that they are split where statements end, and every value is quoted by where it stands: what a
/// value holds cannot become SQL. Immutable.
/// </summary>
internal sealed class SqlTemplate
{
    /// <summary>Names that stand for an identifier when they are not in quotes; the others are literals.</summary>
    private static readonly string[] Names = ["name", "username"];

    private static readonly string[] TransactionVerbs = ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"];

    private readonly SqlDialect _dialect;

    private SqlTemplate(SqlDialect dialect, IReadOnlyList<SqlStatement> statements)
    {
        _dialect = dialect;
        Statements = statements;
    }

    public IReadOnlyList<SqlStatement> Statements { get; }

    /// <summary>Reads statements: each text may hold several, separated by semicolons.</summary>
    /// <param name="field">The field that they come from, for the message.</param>
    /// <param name="texts">The statements.</param>
    /// <param name="dialect">The database's way of writing.</param>
    /// <param name="placeholders">What may stand in double braces.</param>
    public static (SqlTemplate? Template, Fault? Fault) Parse(
        string field,
        IEnumerable<string> texts,
        SqlDialect dialect,
        params string[] placeholders
    )
    {
        var statements = new List<SqlStatement>();
        foreach (var text in texts)
        {
            var (read, problem) = SqlReader.Read(text, dialect);
            problem ??= read!.Select(statement => Problem(statement, placeholders)).FirstOrDefault(p => p is not null);
            if (problem is not null)
            {
                return (null, Fault.Invalid($"{field}: {problem}"));
            }

            statements.AddRange(read!);
        }

        return (new SqlTemplate(dialect, statements), null);
    }

    public bool Uses(params string[] placeholders) =>
        placeholders.Any(placeholder => Statements.Any(statement => statement.Uses(placeholder)));

    /// <summary>The statements with their values, ready to run.</summary>
    public (IReadOnlyList<string>? Sql, Fault? Fault) Render(SqlValues values)
    {
        var map = values.ToMap();
        var rendered = new List<string>(Statements.Count);
        foreach (var statement in Statements)
        {
            var (sql, problem) = statement.Render(_dialect, map);
            if (sql is null)
            {
                return (null, Fault.Invalid(problem!));
            }

            rendered.Add(sql);
        }

        return (rendered, null);
    }

    /// <summary>How a value of that name is quoted when it stands without quotes.</summary>
    internal static SqlPlace PlaceOf(string placeholder) =>
        Names.Contains(placeholder) ? SqlPlace.Identifier : SqlPlace.Literal;

    private static string? Problem(SqlStatement statement, string[] placeholders)
    {
        var unknown = statement.Pieces.FirstOrDefault(piece =>
            piece.Placeholder is not null && !placeholders.Contains(piece.Placeholder)
        );
        if (unknown.Placeholder is { } name)
        {
            var known = string.Join(", ", placeholders.Select(placeholder => $"{{{{{placeholder}}}}}"));
            return $"{{{{{name}}}}} stands for nothing here; there are: {known}";
        }

        return TransactionVerbs.Contains(statement.Verb)
            ? $"{statement.Verb} cannot stand here: the statements run in one transaction of the server's own"
            : null;
    }
}

/// <summary>What placeholders stand for. Immutable; says nothing when it is printed.</summary>
/// <param name="Name">The user's name.</param>
/// <param name="Password">The password, where one is set.</param>
/// <param name="Expiration">The end, where there is one.</param>
internal sealed record SqlValues(string Name, string? Password = null, string? Expiration = null)
{
    public Dictionary<string, string> ToMap()
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal) { ["name"] = Name, ["username"] = Name };
        if (Password is not null)
        {
            map["password"] = Password;
        }

        if (Expiration is not null)
        {
            map["expiration"] = Expiration;
        }

        return map;
    }

    public override string ToString() => $"SqlValues({Name})";
}
