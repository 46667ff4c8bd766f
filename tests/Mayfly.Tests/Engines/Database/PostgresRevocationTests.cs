using Mayfly.Core.Engines.Database;
using Mayfly.Core.Pipeline;
using Npgsql;

namespace Mayfly.Tests.Engines.Database;

/// <summary>Users as they end, against a real PostgreSQL, which all of these share.</summary>
public sealed class PostgresRevocationTests(DatabaseServers servers)
{
    private const string Login =
        "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rights_that_were_granted_do_not_keep_a_user_alive()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync(
            "CREATE SCHEMA granted; CREATE TABLE granted.a (id int); CREATE TABLE granted.b (id int)"
        );
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync(
            "app",
            new
            {
                creation_statements = Login
                    + "; GRANT USAGE ON SCHEMA granted TO \"{{name}}\"; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA granted TO "
                    + "\"{{name}}\"; ALTER DEFAULT PRIVILEGES IN SCHEMA granted GRANT SELECT ON TABLES TO \"{{name}}\"; "
                    + "GRANT CONNECT ON DATABASE postgres TO \"{{name}}\";",
            }
        );
        var (username, password, lease) = await engine.IssueAsync("app");
        await using (var session = await server.ConnectAsync(username, password))
        {
            await using var read = new NpgsqlCommand("INSERT INTO granted.a VALUES (1)", session);
            await read.ExecuteNonQueryAsync(Cancellation);
        }

        await engine.RevokeAsync(lease);

        Assert.Empty(await server.UsersAsync(username));
    }

    [Fact]
    public async Task Open_sessions_end_with_the_lease()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("app");
        var (username, password, lease) = await engine.IssueAsync("app");
        await using var session = await server.ConnectAsync(username, password);

        await engine.RevokeAsync(lease);

        await using var command = new NpgsqlCommand("SELECT 1", session);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => command.ExecuteScalarAsync(Cancellation));
    }

    [Fact]
    public async Task Open_sessions_go_on_when_the_role_says_so()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("app", new { revocation_keeps_sessions = true });
        var (username, password, lease) = await engine.IssueAsync("app");
        await using var session = await server.ConnectAsync(username, password);

        await engine.RevokeAsync(lease);

        await using var command = new NpgsqlCommand("SELECT 1", session);
        Assert.Equal(1, await command.ExecuteScalarAsync(Cancellation));
        await Assert.ThrowsAsync<PostgresException>(() => server.ConnectAsync(username, password));
    }

    [Fact]
    public async Task What_a_user_owns_or_may_in_other_databases_is_found()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync("CREATE DATABASE elsewhere");
        await server.ExecuteAsync(
            "CREATE TABLE granted_here (id int); GRANT CREATE ON SCHEMA public TO public",
            "elsewhere"
        );
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("app");
        var (username, password, lease) = await engine.IssueAsync("app");
        await server.ExecuteAsync($"GRANT SELECT ON granted_here TO \"{username}\"", "elsewhere");
        await using (var session = await server.ConnectAsync(username, password, "elsewhere"))
        {
            await using var make = new NpgsqlCommand("CREATE TABLE owned_there (id int)", session);
            await make.ExecuteNonQueryAsync(Cancellation);
        }

        await engine.RevokeAsync(lease);

        Assert.Empty(await server.UsersAsync(username));
        Assert.Equal(
            PostgresServer.Admin,
            await server.ValueAsync<string>(
                "SELECT tableowner::text FROM pg_tables WHERE tablename = 'owned_there'",
                "elsewhere"
            )
        );
    }

    [Fact]
    public async Task An_administrator_who_is_no_superuser_can_do_it_all()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync(
            "CREATE ROLE modest LOGIN CREATEROLE PASSWORD 'modest'; CREATE SCHEMA modest AUTHORIZATION modest; GRANT CREATE ON DATABASE postgres TO modest"
        );
        await using var engine = await DatabaseHarness.StartAsync(
            server,
            new { username = "modest", password = "modest" }
        );
        await engine.RoleAsync(
            "app",
            new { creation_statements = Login + "; GRANT USAGE, CREATE ON SCHEMA modest TO \"{{name}}\"" }
        );
        var (username, password, lease) = await engine.IssueAsync("app");
        await using var session = await server.ConnectAsync(username, password);
        await using var make = new NpgsqlCommand("CREATE TABLE modest.owned (id int)", session);
        await make.ExecuteNonQueryAsync(Cancellation);

        await engine.RevokeAsync(lease);

        Assert.Empty(await server.UsersAsync(username));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => make.ExecuteNonQueryAsync(Cancellation));
        Assert.Equal(
            "modest",
            await server.ValueAsync<string>("SELECT tableowner::text FROM pg_tables WHERE tablename = 'owned'")
        );
    }

    [Fact]
    public async Task Own_revocation_statements_are_used_and_sessions_end_with_them()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("app", new { revocation_statements = "DROP ROLE IF EXISTS {{name}};" });
        var (username, password, lease) = await engine.IssueAsync("app");
        await using var session = await server.ConnectAsync(username, password);

        await engine.RevokeAsync(lease);
        await engine.RevokeAsync(lease);

        Assert.Empty(await server.UsersAsync(username));
        await using var command = new NpgsqlCommand("SELECT 1", session);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => command.ExecuteScalarAsync(Cancellation));
    }

    [Fact]
    public async Task A_revocation_that_fails_is_mended_by_mending_the_role()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("app", new { revocation_statements = "DROP NONSENSE {{name}}" });
        var (username, _, lease) = await engine.IssueAsync("app");
        Assert.NotNull(await engine.TryRevokeAsync(lease));

        await engine.RoleAsync("app", new { revocation_statements = "" });
        await engine.RevokeAsync(lease);

        Assert.Empty(await server.UsersAsync(username));
    }

    [Fact]
    public async Task A_lease_is_revoked_without_its_role()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("app");
        var (username, _, lease) = await engine.IssueAsync("app");
        (await engine.Engine.HandleAsync(Operation.Delete, "roles/app")).IsDone();

        await engine.RevokeAsync(lease);

        Assert.Empty(await server.UsersAsync(username));
    }

    [Fact]
    public async Task Tuning_the_mount_leaves_the_sessions_of_requests_that_are_under_way()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("app");
        await engine.IssueAsync("app");
        var before = await SessionsAsync();
        Assert.NotEmpty(before);

        await using var old = await engine.Engine.TuneAsync();
        var (_, _, lease) = await engine.IssueAsync("app");
        await engine.RevokeAsync(lease);

        Assert.Subset((await SessionsAsync()).ToHashSet(), before.ToHashSet());

        Task<int[]> SessionsAsync()
        {
            var ours = new Sessions(engine.Engine.Mount.Uuid, "db").Prefix;
            return server.ValueAsync<int[]>(
                $"SELECT ARRAY(SELECT pid FROM pg_stat_activity WHERE starts_with(application_name, '{ours}'))"
            );
        }
    }
}
