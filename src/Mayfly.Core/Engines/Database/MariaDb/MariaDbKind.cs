using Mayfly.Core.Engines.Database.Sql;
using Mayfly.Core.Naming;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database.MariaDb;

/// <summary>MariaDB, and MySQL, through the operating system's libmariadb.</summary>
internal static class MariaDbKind
{
    public static readonly SqlDialect Dialect = new()
    {
        StringQuotes = "'\"",
        IdentifierQuote = '`',
        BackslashEscapes = true,
        DollarQuotes = false,
        HashComments = true,
        Literal = Literal,
    };

    public static readonly DatabaseKind Kind = new()
    {
        PluginNames =
        [
            "mysql-database-plugin",
            "mysql-aurora-database-plugin",
            "mysql-rds-database-plugin",
            "mysql-legacy-database-plugin",
            "mariadb-database-plugin",
        ],
        UserName = NameTemplate.Of(
            """{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 10) (.RoleName | truncate 10) (random 20) (unix_time) | truncate 32 }}"""
        ),
        MaxNameBytes = 32,
        Settings =
        [
            new(
                "tls_server_name",
                FieldType.String,
                "Not supported: the certificate has to be that of the host (MariaDB)."
            )
            {
                Ignored = true,
            },
            new("tls_skip_verify", FieldType.Bool, "Do not check the server's certificate (MariaDB)."),
        ],
        SecretSettings =
        [
            new(
                "tls_certificate_key",
                FieldType.String,
                "Certificate and key for the database in one PEM. Never shown again (MariaDB)."
            ),
        ],
        ShowUrl = MariaDbAddress.Redacted,
        Open = MariaDbDatabase.Open,
        CheckRole = CheckRole,
        CheckRotation = statements => Parse("rotation_statements", statements, "name", "username", "password").Fault,
    };

    public static string Literal(string text) =>
        $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";

    public static (SqlTemplate? Template, Fault? Fault) Parse(
        string field,
        IReadOnlyList<string> texts,
        params string[] placeholders
    ) => SqlTemplate.Parse(field, texts, Dialect, placeholders);

    private static Fault? CheckRole(Role role)
    {
        var (creation, fault) = Parse(
            "creation_statements",
            role.Creation,
            "name",
            "username",
            "password",
            "expiration"
        );
        return fault
            ?? (
                creation!.Statements.Count > 0 && !creation.Uses("name", "username")
                    ? Fault.Invalid("creation_statements: they do not make {{name}}, so nothing could be removed later")
                    : null
            )
            ?? Parse("revocation_statements", role.Revocation, "name", "username").Fault
            ?? Parse("rollback_statements", role.Rollback, "name", "username").Fault
            ?? Parse("renew_statements", role.Renewal, "name", "username", "expiration").Fault
            ?? (
                role.Owned != OwnedObjects.Reassign || role.ReassignTo.Length > 0
                    ? Fault.Invalid("owned_objects and reassign_to are PostgreSQL's: users own nothing here")
                    : null
            );
    }
}
