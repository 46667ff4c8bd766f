using Npgsql;

namespace Mayfly.Tests.Engines.Database;

/// <summary>What becomes of what users own, against a real PostgreSQL, which all of these share.</summary>
public sealed class PostgresOwnedTests(DatabaseServers servers)
{
    private const string Login =
        "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_a_user_owns_goes_to_the_administrator()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync(
            "app",
            new { creation_statements = Login + "; GRANT CREATE ON SCHEMA public TO \"{{name}}\"" }
        );
        var (username, password, lease) = await engine.IssueAsync("app");
        await using (var session = await server.ConnectAsync(username, password))
        {
            await using var make = new NpgsqlCommand(
                "CREATE TABLE kept (id serial PRIMARY KEY); INSERT INTO kept VALUES (7); BEGIN; LOCK TABLE kept",
                session
            );
            await make.ExecuteNonQueryAsync(Cancellation);
            await using var commit = new NpgsqlCommand("COMMIT; BEGIN; LOCK TABLE kept", session);
            await commit.ExecuteNonQueryAsync(Cancellation);

            // While the session still holds a lock on it.
            await engine.RevokeAsync(lease);
        }

        Assert.Equal(
            PostgresServer.Admin,
            await server.ValueAsync<string>("SELECT tableowner::text FROM pg_tables WHERE tablename = 'kept'")
        );
        Assert.Equal(7, await server.ValueAsync<int>("SELECT id FROM kept"));
        Assert.Empty(await server.UsersAsync(username));
    }

    [Fact]
    public async Task What_a_user_owns_goes_to_whom_the_role_names_or_is_dropped()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync("CREATE ROLE heir");
        await using var engine = await DatabaseHarness.StartAsync(server);
        const string Creation = Login + "; GRANT CREATE ON SCHEMA public TO \"{{name}}\"";
        await engine.RoleAsync("heir", new { creation_statements = Creation, reassign_to = "heir" });
        await engine.RoleAsync("drop", new { creation_statements = Creation, owned_objects = "drop" });
        foreach (var (role, table) in new[] { ("heir", "inherited"), ("drop", "dropped") })
        {
            var (username, password, lease) = await engine.IssueAsync(role);
            await using var session = await server.ConnectAsync(username, password);
            await using var make = new NpgsqlCommand($"CREATE TABLE {table} (id int)", session);
            await make.ExecuteNonQueryAsync(Cancellation);
            await engine.RevokeAsync(lease);
            Assert.Empty(await server.UsersAsync(username));
        }

        Assert.Equal(
            "heir",
            await server.ValueAsync<string>("SELECT tableowner::text FROM pg_tables WHERE tablename = 'inherited'")
        );
        Assert.Equal(0, await server.ValueAsync<long>("SELECT count(*) FROM pg_tables WHERE tablename = 'dropped'"));
    }

    [Fact]
    public async Task A_user_that_owns_something_stays_without_login_when_the_role_refuses()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync(
            "app",
            new
            {
                creation_statements = Login + "; GRANT CREATE ON SCHEMA public TO \"{{name}}\"",
                owned_objects = "refuse",
            }
        );
        var (username, password, lease) = await engine.IssueAsync("app");
        await using (var session = await server.ConnectAsync(username, password))
        {
            await using var make = new NpgsqlCommand("CREATE TABLE refused (id int)", session);
            await make.ExecuteNonQueryAsync(Cancellation);
        }

        var fault = await engine.TryRevokeAsync(lease);

        Assert.Contains("owns table refused", fault!.Messages[0], StringComparison.Ordinal);
        await Assert.ThrowsAsync<PostgresException>(() => server.ConnectAsync(username, password));
        await server.ExecuteAsync("DROP TABLE refused");
        await engine.RevokeAsync(lease);
        Assert.Empty(await server.UsersAsync(username));
    }

    [Theory]
    [InlineData("CREATE FUNCTION trap() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", "trap()")]
    [InlineData("CREATE VIEW trapped AS SELECT * FROM pg_authid", "trapped")]
    [InlineData("CREATE TABLE t (a text); CREATE INDEX ON t (lower(a))", "t")]
    [InlineData(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'; CREATE TABLE fires (a int); "
            + "CREATE TRIGGER g BEFORE DELETE ON fires FOR EACH ROW EXECUTE FUNCTION f()",
        "fires"
    )]
    [InlineData(
        "CREATE TABLE p (a int PRIMARY KEY); CREATE TABLE checked (a int REFERENCES p ON UPDATE CASCADE CHECK (a > 0))",
        "checked"
    )]
    [InlineData(
        "CREATE FUNCTION f(a float8, b float8) RETURNS float8 IMMUTABLE LANGUAGE sql AS 'SELECT a - b'; "
            + "CREATE TYPE span AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = f); CREATE TABLE analysed (a span)",
        "analysed"
    )]
    [InlineData(
        "CREATE TYPE e AS ENUM ('1'); CREATE FUNCTION f(e) RETURNS int LANGUAGE sql AS 'SELECT 1'; "
            + "CREATE CAST (e AS int) WITH FUNCTION f(e) AS IMPLICIT; CREATE TABLE p (a int PRIMARY KEY); "
            + "CREATE TABLE casts (a e REFERENCES p)",
        "casts"
    )]
    [InlineData("CREATE TABLE opened (a int PRIMARY KEY); GRANT REFERENCES ON opened TO PUBLIC", "opened")]
    [InlineData("CREATE TABLE opened (a int PRIMARY KEY); GRANT REFERENCES (a) ON opened TO PUBLIC", "opened")]
    public async Task Code_is_not_given_to_a_superuser(string sql, string named)
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync(
            "app",
            new { creation_statements = Login + "; CREATE SCHEMA AUTHORIZATION \"{{name}}\"" }
        );
        var (username, password, lease) = await engine.IssueAsync("app");
        await using (var session = await server.ConnectAsync(username, password))
        {
            await using var make = new NpgsqlCommand(sql, session);
            await make.ExecuteNonQueryAsync(Cancellation);
        }

        var fault = await engine.TryRevokeAsync(lease);

        Assert.Contains("rights of a superuser", fault!.Messages[0], StringComparison.Ordinal);
        Assert.Contains(named, fault.Messages[0], StringComparison.Ordinal);
        await Assert.ThrowsAsync<PostgresException>(() => server.ConnectAsync(username, password));
        // Nobody owns a cast, and it is in the way of dropping its type.
        await server.ExecuteAsync($"DROP CAST IF EXISTS (\"{username}\".e AS int)");
        await engine.RoleAsync("app", new { owned_objects = "drop" });
        await engine.RevokeAsync(lease);
        Assert.Empty(await server.UsersAsync(username));
    }

    /// <remarks>With that right, it can give itself others, such as pg_execute_server_program.</remarks>
    [Fact]
    public async Task Code_is_not_given_to_an_administrator_who_makes_users()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync(
            "CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'maker'; CREATE SCHEMA maker AUTHORIZATION maker"
        );
        await using var engine = await DatabaseHarness.StartAsync(
            server,
            new { username = "maker", password = "maker" }
        );
        await engine.RoleAsync(
            "app",
            new { creation_statements = Login + "; GRANT USAGE, CREATE ON SCHEMA maker TO \"{{name}}\"" }
        );
        var (username, password, lease) = await engine.IssueAsync("app");
        await using (var session = await server.ConnectAsync(username, password))
        {
            await using var make = new NpgsqlCommand(
                "CREATE FUNCTION maker.trap() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
                session
            );
            await make.ExecuteNonQueryAsync(Cancellation);
        }

        var fault = await engine.TryRevokeAsync(lease);

        Assert.Contains("trap()", fault!.Messages[0], StringComparison.Ordinal);
        await engine.RoleAsync("app", new { owned_objects = "drop" });
        await engine.RevokeAsync(lease);
    }

    [Fact]
    public async Task Tables_that_hold_no_code_are_given_to_a_superuser()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync(
            "app",
            new { creation_statements = Login + "; CREATE SCHEMA given; GRANT ALL ON SCHEMA given TO \"{{name}}\"" }
        );
        var (username, password, lease) = await engine.IssueAsync("app");
        await using (var session = await server.ConnectAsync(username, password))
        {
            await using var make = new NpgsqlCommand(
                "CREATE TYPE given.mood AS ENUM ('fine'); "
                    + "CREATE TABLE given.p (id serial PRIMARY KEY, at timestamptz DEFAULT now(), m given.mood UNIQUE); "
                    + "CREATE TABLE given.t (p int REFERENCES given.p ON DELETE CASCADE, m given.mood REFERENCES given.p (m), "
                    + "n int CHECK (n > 0)); GRANT SELECT, INSERT, UPDATE, DELETE ON given.t TO PUBLIC",
                session
            );
            await make.ExecuteNonQueryAsync(Cancellation);
        }

        await engine.RevokeAsync(lease);

        Assert.Empty(await server.UsersAsync(username));
    }
}
