using Npgsql;

namespace Mayfly.Tests.Engines.Database;

/// <summary>What a user leaves behind for the administrator to fall into, against a real PostgreSQL.</summary>
public sealed class PostgresTrapTests(DatabaseServers servers)
{
    private const string Login =
        "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'";

    /// <summary>Operators on pairs of types for which PostgreSQL has none of its own: it takes these before it converts one of the two.</summary>
    private const string Traps = """
        DO $do$
        DECLARE other text; name text;
        BEGIN
          FOREACH other IN ARRAY ARRAY['int4', 'int8', 'regclass', 'regproc', 'regtype', 'regnamespace', 'regrole'] LOOP
            FOREACH name IN ARRAY ARRAY['=', '<>'] LOOP
              EXECUTE format('CREATE FUNCTION public.%I(oid, %s) RETURNS bool LANGUAGE plpgsql AS $f$
                BEGIN
                  INSERT INTO public.caught VALUES (current_user);
                  RETURN $1::int8 %s $2::oid::int8;
                END $f$', 'trap_' || other || name, other, name);
              EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = oid, RIGHTARG = %s, FUNCTION = public.%I)',
                name, other, 'trap_' || other || name);
            END LOOP;
          END LOOP;
        END $do$
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("trapped_here", "trapped_here")]
    [InlineData("trapped_there", "postgres")]
    public async Task Operators_that_a_user_has_made_are_not_called_with_the_rights_of_the_administrator(
        string trapped,
        string connected
    )
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync($"CREATE DATABASE {trapped}");
        await server.ExecuteAsync(
            "CREATE TABLE caught (who text); GRANT INSERT ON caught TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC",
            trapped
        );
        // Not the user that the test itself looks with.
        await server.ExecuteAsync($"CREATE ROLE {trapped}_keeper LOGIN SUPERUSER PASSWORD 'keeper'");
        await using var engine = await DatabaseHarness.StartAsync(
            server,
            new
            {
                username = $"{trapped}_keeper",
                password = "keeper",
                connection_url = $"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{server.Port}/{connected}",
            }
        );
        await engine.RoleAsync("app", new { creation_statements = Login });
        var (username, password, lease) = await engine.IssueAsync("app");
        await using (var session = await server.ConnectAsync(username, password, trapped))
        {
            await using var set = new NpgsqlCommand(Traps, session);
            await set.ExecuteNonQueryAsync(Cancellation);
        }

        // One that owns the traps, and one that has nothing to do with them.
        await engine.RevokeAsync(lease);
        await engine.RevokeAsync((await engine.IssueAsync("app")).Lease);

        Assert.Equal(
            0L,
            await server.ValueAsync<long>($"SELECT count(*) FROM caught WHERE who = '{trapped}_keeper'", trapped)
        );
    }
}
