using Mayfly.Core.Naming;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database.Redis;

/// <summary>Redis from version 6, and what speaks its protocol and knows its access control lists.</summary>
internal static class RedisKind
{
    public static readonly DatabaseKind Kind = new()
    {
        PluginNames = ["redis-database-plugin"],
        UserName = NameTemplate.Of(
            """{{ printf "V_%s_%s_%s_%s" (.DisplayName | truncate 15) (.RoleName | truncate 15) (random 20) (unix_time) | truncate 100 | replace "-" "_" | uppercase }}"""
        ),
        MaxNameBytes = 256,
        Settings =
        [
            new("host", FieldType.String, "The server's name or address, when there is no connection_url (Redis)."),
            new("port", FieldType.Int, "Its port; 6379 unless set (Redis)."),
            new("tls", FieldType.Bool, "Speak TLS (Redis)."),
            new("insecure_tls", FieldType.Bool, "Do not check the server's certificate (Redis)."),
            new("ca_cert", FieldType.String, "Older name of tls_ca (Redis)."),
            new(
                "persistence_mode",
                FieldType.String,
                "How changes are kept: ACLFILE (ACL SAVE), REWRITE (CONFIG REWRITE), NONE; whichever works unless set (Redis)."
            ),
        ],
        ShowUrl = RedisAddress.Redacted,
        Open = RedisDatabase.Open,
        CheckRole = CheckRole,
        CheckRotation = statements =>
            statements.Count > 0 ? Fault.Invalid("rotation_statements: Redis takes none") : null,
    };

    /// <summary>What would let in others than who has the password, or take over what the server sets itself.</summary>
    private static readonly string[] Refused = ["on", "off", "nopass", "resetpass", "reset", "sanitize-payload"];

    private static Fault? CheckRole(Role role)
    {
        if (
            role.Creation.Any(rule =>
                Refused.Contains(rule.ToLowerInvariant()) || rule.Length == 0 || rule[0] is '>' or '<' or '#' or '!'
            )
        )
        {
            return Fault.Invalid(
                "creation_statements: only rules about keys, channels and commands, such as [\"~orders:*\", \"+@read\"]; the server "
                    + "sets the password and the rest itself"
            );
        }

        return role.Renewal.Count > 0 || role.Rollback.Count > 0 || role.Revocation.Count > 0
                ? Fault.Invalid(
                    "Redis takes creation_statements alone: users are removed by ACL DELUSER, and have no end of their own"
                )
            : role.KeepsSessions
                ? Fault.Invalid("revocation_keeps_sessions: Redis ends the sessions of a user that it removes")
            : null;
    }
}
