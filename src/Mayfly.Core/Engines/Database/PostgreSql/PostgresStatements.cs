using Mayfly.Core.Engines.Database.Sql;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database.PostgreSql;

/// <summary>What each kind of statement may use, and what stands in when a role has none.</summary>
internal static class PostgresStatements
{
    private static readonly string[] DefaultRenewal = ["ALTER ROLE \"{{name}}\" VALID UNTIL '{{expiration}}'"];
    private static readonly string[] DefaultPassword = ["ALTER ROLE \"{{username}}\" WITH PASSWORD '{{password}}'"];

    public static (SqlTemplate? Template, Fault? Fault) Creation(IReadOnlyList<string> texts) =>
        Parse("creation_statements", texts, "name", "username", "password", "expiration");

    public static (SqlTemplate? Template, Fault? Fault) Renewal(IReadOnlyList<string> texts) =>
        Parse("renew_statements", texts.Count == 0 ? DefaultRenewal : texts, "name", "username", "expiration");

    public static (SqlTemplate? Template, Fault? Fault) Revocation(IReadOnlyList<string> texts) =>
        Parse("revocation_statements", texts, "name", "username");

    public static (SqlTemplate? Template, Fault? Fault) Password(IReadOnlyList<string> texts) =>
        Parse("rotation_statements", texts.Count == 0 ? DefaultPassword : texts, "name", "username", "password");

    private static (SqlTemplate? Template, Fault? Fault) Parse(
        string field,
        IReadOnlyList<string> texts,
        params string[] placeholders
    ) => SqlTemplate.Parse(field, texts, PostgresKind.Dialect, placeholders);
}
