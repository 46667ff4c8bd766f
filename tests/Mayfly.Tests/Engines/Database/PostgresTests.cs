using Mayfly.Core.Engines.Database;
using Mayfly.Core.Pipeline;
using Npgsql;

namespace Mayfly.Tests.Engines.Database;

/// <summary>Against a real PostgreSQL, which all of these share.</summary>
public sealed class PostgresTests(DatabaseServers servers)
{
    private const string Login =
        "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

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
