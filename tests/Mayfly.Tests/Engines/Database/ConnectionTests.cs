using System.Text.Json;
using Mayfly.Core.Pipeline;
using Npgsql;

namespace Mayfly.Tests.Engines.Database;

/// <summary>Configurations: what is stored and shown, and what happens when the database is not as it should be.</summary>
public sealed class ConnectionTests(DatabaseServers servers)
{
    private const string Secret = "canary-of-the-password";

    [Fact]
    public async Task A_configuration_is_shown_without_its_secrets()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(
            server,
            new
            {
                allowed_roles = "a,b*",
                root_rotation_statements = new[] { "ALTER USER {{username}} PASSWORD {{password}}" },
                private_key = Secret,
                max_open_connections = 2,
            }
        );

        var shown = await engine.ReadAsync("config/db");
        var text = shown.Text();
        using var data = JsonDocument.Parse(text);
        var details = data.RootElement.GetProperty("connection_details");

        Assert.Equal("postgresql-database-plugin", data.RootElement.GetProperty("plugin_name").GetString());
        Assert.Equal(
            ["a", "b*"],
            data.RootElement.GetProperty("allowed_roles").EnumerateArray().Select(role => role.GetString())
        );
        Assert.Equal(1, data.RootElement.GetProperty("root_credentials_rotate_statements").GetArrayLength());
        Assert.Equal(PostgresServer.Admin, details.GetProperty("username").GetString());
        Assert.Equal(2, details.GetProperty("max_open_connections").GetInt32());
        Assert.Contains("{{password}}", details.GetProperty("connection_url").GetString(), StringComparison.Ordinal);
        Assert.False(details.TryGetProperty("password", out _));
        Assert.DoesNotContain(Secret, text, StringComparison.Ordinal);
        Assert.DoesNotContain("the-admin", text, StringComparison.Ordinal);
        Assert.Equal(["db"], (await engine.Engine.HandleAsync(Operation.List, "config/")).Keys());
    }

    [Fact]
    public async Task What_is_not_sent_again_stays()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);

        (await engine.WriteAsync("config/db", new { allowed_roles = "other" })).IsDone();

        await engine.RoleAsync("other");
        var (_, _, lease) = await engine.IssueAsync("other");
        await engine.RevokeAsync(lease);
        await engine.RoleAsync("app");
        (await engine.ReadAsync("creds/app")).Failed(FaultKind.Invalid, "\"app\" is not an allowed role");
        (await engine.Engine.HandleAsync(Operation.Delete, "config/db")).IsDone();
        Assert.Equal(FaultKind.Invalid, (await engine.ReadAsync("creds/other")).Fault?.Kind);
    }

    [Fact]
    public async Task A_password_in_the_url_works_and_is_warned_of_and_not_shown()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync($"CREATE ROLE in_url SUPERUSER LOGIN PASSWORD '{Secret}'");
        await using var engine = await DatabaseHarness.StartAsync();

        var written = await engine.ConfigureAsync(
            server,
            new { connection_url = $"host=127.0.0.1 port={server.Port} user=in_url password={Secret} dbname=postgres" }
        );

        Assert.Contains("Password found", Assert.Single(written.Response!.Warnings), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, (await engine.ReadAsync("config/db")).Text(), StringComparison.Ordinal);
        await engine.RoleAsync("app");
        await engine.RevokeAsync((await engine.IssueAsync("app")).Lease);
    }

    [Fact]
    public async Task A_wrong_password_of_the_administrator_is_said_and_not_repeated()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync();

        var outcome = await engine.ConfigureAsync(server, new { password = Secret });

        Assert.Equal(FaultKind.Invalid, outcome.Fault?.Kind);
        Assert.StartsWith(
            "error creating database object: error verifying connection",
            outcome.Fault!.Messages[0],
            StringComparison.Ordinal
        );
        Assert.Contains("password authentication failed", outcome.Fault.Messages[0], StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, outcome.Fault.Messages[0], StringComparison.Ordinal);
        Assert.Equal(FaultKind.NotFound, (await engine.ReadAsync("config/db")).Fault?.Kind);

        (await engine.ConfigureAsync(server, new { password = Secret, verify_connection = false })).IsDone();
        await engine.RoleAsync("app");
        Assert.Equal(FaultKind.Unavailable, (await engine.PlanAndActAsync("app")).Outcome.Fault?.Kind);
    }

    [Fact]
    public async Task A_database_that_cannot_be_reached_is_unavailable_and_others_go_on()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("app");
        (
            await engine.WriteAsync(
                "config/gone",
                new
                {
                    plugin_name = "postgresql-database-plugin",
                    connection_url = $"postgres://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{FreePort.Choose()}/x",
                    username = "u",
                    password = Secret,
                    allowed_roles = "*",
                    verify_connection = false,
                }
            )
        ).IsDone();
        await engine.RoleAsync("gone", new { db_name = "gone" });

        var waiting = Enumerable.Range(0, 50).Select(_ => engine.PlanAndActAsync("gone")).ToList();
        await engine.RevokeAsync((await engine.IssueAsync("app")).Lease);

        foreach (var (outcome, lease) in await Task.WhenAll(waiting))
        {
            Assert.Equal(FaultKind.Unavailable, outcome.Fault?.Kind);
            Assert.DoesNotContain(Secret, outcome.Fault!.Messages[0], StringComparison.Ordinal);
            Assert.Equal(FaultKind.Unavailable, (await engine.TryRevokeAsync(lease!))?.Kind);
        }
    }

    [Theory]
    [InlineData("{\"plugin_name\":\"mongodb-database-plugin\"}", "unknown plugin_name")]
    [InlineData("{}", "empty plugin name")]
    [InlineData("{\"plugin_name\":\"postgresql-database-plugin\"}", "connection_url: it is empty")]
    [InlineData(
        "{\"plugin_name\":\"postgresql-database-plugin\",\"connection_url\":\"postgres://h/d?ssl=1\",\"username\":\"u\"}",
        "not known here"
    )]
    [InlineData(
        "{\"plugin_name\":\"postgresql-database-plugin\",\"connection_url\":\"postgres://h/d?sslmode=maybe\",\"username\":\"u\"}",
        "sslmode is none of"
    )]
    [InlineData(
        "{\"plugin_name\":\"postgresql-database-plugin\",\"connection_url\":\"postgres://h/d\"}",
        "no user to log in as"
    )]
    [InlineData(
        "{\"plugin_name\":\"postgresql-database-plugin\",\"connection_url\":\"postgres://u@h/d\",\"tls_ca\":\"x\"}",
        "tls_ca"
    )]
    [InlineData(
        "{\"plugin_name\":\"postgresql-database-plugin\",\"connection_url\":\"postgres://u@h/d\",\"username_template\":\"{{x}}\"}",
        "username_template"
    )]
    [InlineData(
        "{\"plugin_name\":\"postgresql-database-plugin\",\"connection_url\":\"postgres://u@h/d\",\"username_template\":\"{{random 64}}\"}",
        "truncate 63"
    )]
    [InlineData(
        "{\"plugin_name\":\"postgresql-database-plugin\",\"connection_url\":\"postgres://u@h/d\",\"username_template\":\"{{.RoleName}}-{{unix_time}}\"}",
        "the same name twice"
    )]
    public async Task What_is_wrong_with_a_configuration_is_said(string body, string expected)
    {
        await using var engine = await DatabaseHarness.StartAsync();

        var outcome = await engine.Engine.HandleAsync(Operation.Update, "config/db", body);

        Assert.Equal(FaultKind.Invalid, outcome.Fault?.Kind);
        Assert.Contains(expected, outcome.Fault!.Messages[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_certificate_of_the_database_is_checked_as_sslmode_says()
    {
        var (server, certificate) = await PostgresServer.StartTlsAsync("localhost");
        await using var running = server;
        var (other, stranger) = await PostgresServer.StartTlsAsync("localhost");
        await other.DisposeAsync();
        await using var engine = await DatabaseHarness.StartAsync();

        async Task<Outcome> TryAsync(string host, string mode, string? authority) =>
            await engine.ConfigureAsync(
                server,
                new
                {
                    connection_url = $"postgres://{{{{username}}}}:{{{{password}}}}@{host}:{server.Port}/postgres?sslmode={mode}",
                    tls_ca = authority ?? "",
                }
            );

        (await TryAsync("localhost", "verify-full", certificate)).IsDone();
        await engine.RoleAsync("app");
        var issued = await engine.IssueAsync("app");
        Assert.True(
            await server.ValueAsync<bool>(
                "SELECT bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name LIKE 'mayfly %'"
            )
        );
        await engine.RevokeAsync(issued.Lease);
        (await TryAsync("127.0.0.1", "verify-ca", certificate)).IsDone();
        (await TryAsync("localhost", "require", authority: null)).IsDone();
        foreach (
            var refused in new[]
            {
                await TryAsync("127.0.0.1", "verify-full", certificate),
                await TryAsync("localhost", "verify-full", stranger),
                await TryAsync("localhost", "require", stranger),
                await TryAsync("localhost", "verify-full", authority: null),
            }
        )
        {
            Assert.Equal(FaultKind.Invalid, refused.Fault?.Kind);
        }
    }

    [Fact]
    public async Task Reset_opens_new_connections()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);

        (await engine.WriteAsync("reset/db", new { })).IsDone();

        Assert.Equal(FaultKind.Invalid, (await engine.WriteAsync("reset/none", new { })).Fault?.Kind);
    }

    [Fact]
    public async Task Rotating_the_administrator_leaves_its_password_to_the_server_alone()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync($"CREATE ROLE rotated SUPERUSER LOGIN PASSWORD '{Secret}'");
        await using var engine = await DatabaseHarness.StartAsync(
            server,
            new { username = "rotated", password = Secret }
        );
        await engine.RoleAsync("app");

        (await engine.WriteAsync("rotate-root/db", new { })).IsDone();

        await Assert.ThrowsAsync<PostgresException>(() => server.ConnectAsync("rotated", Secret));
        await engine.RevokeAsync((await engine.IssueAsync("app")).Lease);
        await engine.Engine.RestartAsync();
        await engine.RevokeAsync((await engine.IssueAsync("app")).Lease);
        (await engine.WriteAsync("rotate-root/db", new { })).IsDone();
    }

    [Fact]
    public async Task The_administrators_password_is_rotated_by_schedule()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync($"CREATE ROLE rotated_weekly SUPERUSER LOGIN PASSWORD '{Secret}'");
        await using var engine = await DatabaseHarness.StartAsync(
            server,
            new
            {
                username = "rotated_weekly",
                password = Secret,
                rotation_period = "168h",
            }
        );
        await engine.RoleAsync("app");
        engine.Engine.Time.Advance(TimeSpan.FromDays(6));
        await engine.Engine.RunRotationsAsync();
        await using (await server.ConnectAsync("rotated_weekly", Secret)) { }

        engine.Engine.Time.Advance(TimeSpan.FromDays(1));
        await engine.Engine.RunRotationsAsync();

        await Assert.ThrowsAsync<PostgresException>(() => server.ConnectAsync("rotated_weekly", Secret));
        await engine.RevokeAsync((await engine.IssueAsync("app")).Lease);
        var shown = (await engine.ReadAsync("config/db")).Data();
        Assert.Equal("168h", shown.GetProperty("rotation_period").GetString());
        Assert.True(shown.TryGetProperty("last_root_rotation", out _));
        Assert.True(shown.TryGetProperty("next_root_rotation", out _));

        (await engine.WriteAsync("config/db", new { rotation_schedule = "0 3 * * SUN" })).Failed(
            FaultKind.Invalid,
            "mutually exclusive fields rotation_period and rotation_schedule were both specified; only one of them can be provided"
        );
        (await engine.WriteAsync("config/db", new { rotation_schedule = "0 3 * * SUN", rotation_period = 0 })).IsDone();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_rotation_that_was_interrupted_is_finished(bool wasSet)
    {
        var server = await servers.PostgresAsync();
        var user = wasSet ? "interrupted_after" : "interrupted_before";
        await server.ExecuteAsync($"CREATE ROLE {user} SUPERUSER LOGIN PASSWORD '{(wasSet ? "pending" : "current")}'");
        await using var engine = await DatabaseHarness.StartAsync();
        // As a crash leaves it: the pending password is stored, and perhaps set.
        await engine.StoreAsync(
            "db",
            new Core.Engines.Database.ConnectionConfig
            {
                PluginName = "postgresql-database-plugin",
                AllowedRoles = ["*"],
                Password = "current",
                PendingPassword = "pending",
                Details = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["connection_url"] =
                        $"postgres://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{server.Port}/postgres",
                    ["username"] = user,
                },
            }
        );
        await engine.RoleAsync("app");

        await engine.RevokeAsync((await engine.IssueAsync("app")).Lease);

        await using (await server.ConnectAsync(user, "pending")) { }

        await Assert.ThrowsAsync<PostgresException>(() => server.ConnectAsync(user, "current"));
    }

    [Fact]
    public async Task A_rotation_that_the_database_refuses_changes_nothing()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync($"CREATE ROLE refused_root SUPERUSER LOGIN PASSWORD '{Secret}'");
        await using var engine = await DatabaseHarness.StartAsync(
            server,
            new
            {
                username = "refused_root",
                password = Secret,
                root_rotation_statements = "ALTER ROLE no_such_role PASSWORD '{{password}}'",
            }
        );

        var outcome = await engine.WriteAsync("rotate-root/db", new { });

        Assert.Contains("no_such_role", outcome.Fault!.Messages[0], StringComparison.Ordinal);
        await using (await server.ConnectAsync("refused_root", Secret)) { }

        await engine.RoleAsync("app");
        await engine.RevokeAsync((await engine.IssueAsync("app")).Lease);
    }
}
