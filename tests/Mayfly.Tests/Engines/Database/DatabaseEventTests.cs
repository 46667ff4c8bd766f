using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Tests.Events;

namespace Mayfly.Tests.Engines.Database;

/// <summary>What the engine tells of, in a whole vault over a real PostgreSQL.</summary>
public sealed class DatabaseEventTests(DatabaseServers servers)
{
    [Fact]
    public async Task Each_change_has_vaults_name_and_no_password()
    {
        var server = await servers.PostgresAsync();
        await using var vault = await TestVault.StartAsync();
        // The database has the real time, and users end by it.
        vault.Time.Advance(TimeProvider.System.GetUtcNow() - vault.Time.GetUtcNow());
        await vault.DataAsync(Operation.Update, "sys/mounts/database", """{"type":"database"}""");
        await vault.DataAsync(Operation.Update, "sys/mounts/marks", """{"type":"kv"}""");
        using var marks = await vault.SubscribeAsync("*");
        var config = JsonSerializer.Serialize(
            new
            {
                plugin_name = "postgresql-database-plugin",
                connection_url = $"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{server.Port}/postgres",
                allowed_roles = "*",
                username = PostgresServer.Admin,
                password = PostgresServer.Password,
            }
        );
        var role = JsonSerializer.Serialize(
            new
            {
                db_name = "db",
                creation_statements = "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'",
            }
        );
        await vault.DataAsync(Operation.Update, "database/config/db", config);
        await vault.DataAsync(Operation.Update, "database/roles/app", role);
        await vault.DataAsync(Operation.Update, "database/roles/app", """{"default_ttl":"10m"}""");
        var issued = await vault.DataAsync(Operation.Read, "database/creds/app");
        await vault.DataAsync(
            Operation.Update,
            "database/roles/bad",
            """{"db_name":"db","creation_statements":"CREATE ROLE \"{{name}}\" NONSENSE"}"""
        );
        Assert.NotNull((await vault.HandleAsync(Operation.Read, "database/creds/bad")).Fault);
        await vault.FaultAsync(FaultKind.Invalid, Operation.Read, "database/creds/none");
        await vault.DataAsync(Operation.Update, "database/reset/db");
        await vault.DataAsync(Operation.Update, "sys/leases/revoke-prefix/database/creds/app");
        await vault.DataAsync(Operation.Delete, "database/roles/app");
        await vault.DataAsync(Operation.Delete, "database/config/db");

        var seen = (await vault.DrainAsync(marks))
            .Where(change => change.Type.StartsWith("database/", StringComparison.Ordinal))
            .ToList();

        Assert.Equal(
            [
                ("config-write", "database/config/db", "database/config/db"),
                ("role-create", "database/roles/app", "database/roles/app"),
                ("role-update", "database/roles/app", "database/roles/app"),
                ("creds-create", "database/creds/app", "database/creds/app"),
                ("role-create", "database/roles/bad", "database/roles/bad"),
                ("reset", "database/reset/db", "database/config/db"),
                ("role-delete", "database/roles/app", "database/roles/app"),
                ("config-delete", "database/config/db", "database/config/db"),
            ],
            seen.Select(change =>
                (change.Operation, change.Metadata().GetProperty("path").GetString()!, change.DataPath)
            )
        );
        Assert.Equal("app", seen[3].Metadata().GetProperty("name").GetString());
        string[] secrets =
        [
            PostgresServer.Password,
            issued.GetProperty("password").GetString()!,
            issued.GetProperty("username").GetString()!,
        ];
        Assert.All(
            seen,
            change =>
                Assert.All(secrets, secret => Assert.DoesNotContain(secret, change.Text(), StringComparison.Ordinal))
        );
    }
}
