using Mayfly.Core.Engines.Database.Sql;
using Mayfly.Core.Naming;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database.PostgreSql;

/// <summary>PostgreSQL, from version 12.</summary>
internal static class PostgresKind
{
    /// <summary>How PostgreSQL writes SQL. Literals with a backslash get the E form, which means the same under any setting.</summary>
    public static readonly SqlDialect Dialect = new()
    {
        StringQuotes = "'",
        IdentifierQuote = '"',
        BackslashEscapes = false,
        DollarQuotes = true,
        HashComments = false,
        Literal = Literal,
    };

    public static readonly DatabaseKind Kind = new()
    {
        PluginNames = ["postgresql-database-plugin"],
        UserName = NameTemplate.Of(
            """{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time) | truncate 63 }}"""
        ),
        MaxNameBytes = 63,
        Settings =
        [
            new(
                "password_authentication",
                FieldType.String,
                "password, or scram-sha-256: the database then sees a hash instead of passwords (PostgreSQL)."
            ),
        ],
        ShowUrl = PostgresUrl.Redacted,
        Open = PostgresDatabase.Open,
        CheckRole = CheckRole,
        CheckRotation = statements => PostgresStatements.Password(statements).Fault,
    };

    public static string Literal(string text)
    {
        var quoted = text.Replace("'", "''", StringComparison.Ordinal);
        return text.Contains('\\') ? $" E'{quoted.Replace("\\", "\\\\", StringComparison.Ordinal)}'" : $"'{quoted}'";
    }

    private static Fault? CheckRole(Role role)
    {
        var (creation, fault) = PostgresStatements.Creation(role.Creation);
        if (fault is not null)
        {
            return fault;
        }

        if (creation!.Statements.Count > 0 && !creation.Uses("name", "username"))
        {
            return Fault.Invalid("creation_statements: they do not make {{name}}, so nothing could be removed later");
        }

        return PostgresStatements.Renewal(role.Renewal).Fault ?? PostgresStatements.Revocation(role.Revocation).Fault;
    }
}
