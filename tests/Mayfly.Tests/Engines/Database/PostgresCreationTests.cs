using Mayfly.Core.Engines.Database;
using Mayfly.Core.Pipeline;
using Npgsql;

namespace Mayfly.Tests.Engines.Database;

/// <summary>Users as they are made, against a real PostgreSQL, which all of these share.</summary>
public sealed class PostgresCreationTests(DatabaseServers servers)
{
    private const string Login =
        "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'";

    [Fact]
    public async Task A_credential_works_until_its_lease_is_revoked()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("app");

        var (username, password, lease) = await engine.IssueAsync("app");

        Assert.Matches("^v-[a-z_-]*app-[A-Za-z0-9]{20}-[0-9]{10}$", username);
        Assert.Equal(20, password.Length);
        await using (await server.ConnectAsync(username, password)) { }

        var end = await server.ValueAsync<DateTime>($"SELECT rolvaliduntil FROM pg_roles WHERE rolname = '{username}'");
        Assert.InRange(end - lease.ExpiresAt.UtcDateTime, TimeSpan.Zero, TimeSpan.FromSeconds(1));

        await engine.RevokeAsync(lease);
        Assert.Empty(await server.UsersAsync(username));
        var refused = await Assert.ThrowsAsync<PostgresException>(() => server.ConnectAsync(username, password));
        Assert.Equal("28P01", refused.SqlState);

        await engine.RevokeAsync(lease);
    }

    [Fact]
    public async Task Renewing_moves_the_end_in_the_database()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("app");
        var (username, _, lease) = await engine.IssueAsync("app");
        var later = lease with { ExpiresAt = lease.ExpiresAt + TimeSpan.FromHours(3) };

        Assert.Null(await engine.RenewAsync(later));

        var end = await server.ValueAsync<DateTime>($"SELECT rolvaliduntil FROM pg_roles WHERE rolname = '{username}'");
        Assert.InRange(end - later.ExpiresAt.UtcDateTime, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        await engine.RevokeAsync(lease);
    }

    [Fact]
    public async Task A_user_gets_an_end_even_when_its_statements_forget_it()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("app", new { creation_statements = "CREATE USER {{name}} WITH PASSWORD {{password}}" });

        var (username, password, lease) = await engine.IssueAsync("app");

        await using (await server.ConnectAsync(username, password)) { }

        Assert.True(
            await server.ValueAsync<bool>(
                $"SELECT rolvaliduntil IS NOT NULL FROM pg_roles WHERE rolname = '{username}'"
            )
        );
        await engine.RevokeAsync(lease);
    }

    [Fact]
    public async Task Many_that_are_granted_the_same_at_once_do_not_stand_in_each_others_way()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync("CREATE SCHEMA contended; CREATE TABLE contended.t (id int)");
        await using var engine = await DatabaseHarness.StartAsync(server, new { max_open_connections = 8 });
        await engine.RoleAsync(
            "app",
            new { creation_statements = Login + "; GRANT SELECT ON ALL TABLES IN SCHEMA contended TO \"{{name}}\"" }
        );

        var issued = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => engine.IssueAsync("app")));
        await Task.WhenAll(issued.Select(each => engine.RevokeAsync(each.Lease)));

        Assert.Empty((await server.UsersAsync()).Intersect(issued.Select(each => each.Username)));
    }

    [Fact]
    public async Task A_creation_that_fails_half_way_leaves_nothing()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync(
            "half",
            new
            {
                creation_statements = new[]
                {
                    Login,
                    "CREATE TABLE left_behind (id int)",
                    "GRANT SELECT ON no_such_table TO \"{{name}}\"",
                },
            }
        );

        var outcome = await engine.ReadAsync("creds/half");

        Assert.Equal(FaultKind.Invalid, outcome.Fault?.Kind);
        Assert.Contains("no_such_table", outcome.Fault!.Messages[0], StringComparison.Ordinal);
        Assert.DoesNotContain(await server.UsersAsync(), name => name.Contains("-half-", StringComparison.Ordinal));
        Assert.Equal(0, await server.ValueAsync<long>("SELECT count(*) FROM pg_class WHERE relname = 'left_behind'"));
    }

    [Fact]
    public async Task A_statement_that_no_transaction_can_hold_is_named_as_such()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("app", new { creation_statements = new[] { "CREATE DATABASE x", Login } });

        var outcome = await engine.ReadAsync("creds/app");

        Assert.Contains("statements run in one transaction", outcome.Fault!.Messages[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_caller_is_called_cannot_become_sql()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(
            server,
            new { username_template = "{{.DisplayName | truncate 50}}{{random 4}}" }
        );
        engine.Engine.Caller = engine.Engine.Caller with
        {
            Token = engine.Engine.Caller.Token with { DisplayName = "a\"; DROP ROLE x; --' $$ \\ \0 é" },
        };
        await engine.RoleAsync(
            "app",
            new
            {
                creation_statements = new[]
                {
                    Login,
                    "DO $$ BEGIN EXECUTE 'COMMENT ON ROLE \"{{name}}\" IS ''{{name}}'''; END $$",
                },
            }
        );

        var (username, password, lease) = await engine.IssueAsync("app");

        Assert.Matches("^[A-Za-z0-9_.@-]+$", username);
        await using (await server.ConnectAsync(username, password)) { }

        await engine.RevokeAsync(lease);
    }

    [Fact]
    public async Task A_user_that_was_there_before_is_not_taken_for_one_that_was_made_half_way()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(
            server,
            new { username_template = "{{ printf \"%s-%s\" .RoleName (random 20) | truncate 8 }}" }
        );
        await server.ExecuteAsync("CREATE ROLE \"existing\"");
        await engine.RoleAsync("existing-app");

        var outcome = await engine.Engine.HandleAsync(Operation.Read, "creds/existing-app");

        Assert.Contains("the same name twice", outcome.Fault?.Messages[0], StringComparison.Ordinal);
        Assert.NotEmpty(await server.UsersAsync("existing"));
    }

    [Fact]
    public async Task A_template_with_quotes_of_its_own_gives_a_name_with_quotes()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(
            server,
            new { username_template = "q\"; DROP ROLE heir; --'{{random 8}}" }
        );
        await engine.RoleAsync("app");

        var (username, password, lease) = await engine.IssueAsync("app");

        Assert.StartsWith("q\"; DROP ROLE", username, StringComparison.Ordinal);
        await using (await server.ConnectAsync(username, password)) { }

        await engine.RevokeAsync(lease);
    }

    [Theory]
    [InlineData("roles/a\"; DROP ROLE x")]
    [InlineData("roles/a b")]
    [InlineData("roles/é")]
    [InlineData("config/a;b")]
    public async Task Names_of_roles_and_databases_are_limited(string path)
    {
        await using var engine = await DatabaseHarness.StartAsync();

        var outcome = await engine.WriteAsync(path, new { db_name = "db", plugin_name = "postgresql-database-plugin" });

        Assert.Equal(FaultKind.Invalid, outcome.Fault?.Kind);
    }

    [Fact]
    public async Task A_thousand_requests_at_once_are_served_with_few_connections()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("many");

        var issued = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(_ => engine.IssueAsync("many")));

        Assert.Equal(1_000, issued.Select(each => each.Username).Distinct().Count());
        Assert.InRange(
            await server.ValueAsync<long>(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'mayfly %'"
            ),
            1,
            ConnectionConfig.DefaultMaxOpen * 10
        );
        await Task.WhenAll(issued.Select(each => engine.RevokeAsync(each.Lease)));
        Assert.Empty((await server.UsersAsync()).Intersect(issued.Select(each => each.Username)));
    }

    [Fact]
    public async Task A_hash_can_be_sent_instead_of_the_password()
    {
        await using var server = await PostgresServer.StartAsync("log_statement=all");
        await using var engine = await DatabaseHarness.StartAsync(
            server,
            new { password_authentication = "scram-sha-256" }
        );
        await engine.RoleAsync("app");

        var (username, password, lease) = await engine.IssueAsync("app");

        await using (await server.ConnectAsync(username, password)) { }

        await engine.RevokeAsync(lease);
        Assert.Contains(username, server.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(password, server.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Passwords_follow_the_policy_that_is_named()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await Passwords.PutAsync(
            engine.Engine.Barrier,
            "odd",
            "length = 12\nrule \"charset\" { charset = \"'\\\"$x\" \n min-chars = 1 }"
        );
        await engine.RoleAsync("app", new { credential_config = new { password_policy = "odd" } });

        var (username, password, lease) = await engine.IssueAsync("app");

        Assert.Matches("^['\"$x]{12}$", password);
        await using (await server.ConnectAsync(username, password)) { }

        await engine.RevokeAsync(lease);
    }
}
