namespace Mayfly.Tests.Engines.Database;

/// <summary>What a lost connection had sent must not arrive after the rotation has gone back to the password before.</summary>
public sealed class LateRotationTests(DatabaseServers servers)
{
    [Fact]
    public async Task A_password_that_was_lost_on_the_way_to_postgresql_is_never_set_later()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync("CREATE ROLE late_user LOGIN");
        await using var road = new LateRoad(server.Port);

        var password = await RotateAsync(
            road,
            "ALTER ROLE",
            new
            {
                plugin_name = "postgresql-database-plugin",
                connection_url = $"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{road.Port}/postgres",
                username = PostgresServer.Admin,
                password = PostgresServer.Password,
            }
        );

        await using (await server.ConnectAsync("late_user", password)) { }
    }

    [Fact]
    public async Task A_password_that_was_lost_on_the_way_to_mariadb_is_never_set_later()
    {
        var server = await servers.MariaDbAsync();
        await server.AdminAsync("CREATE USER late_user IDENTIFIED BY 'before'");
        await using var road = new LateRoad(server.Port);

        var password = await RotateAsync(
            road,
            "ALTER USER",
            new
            {
                plugin_name = "mysql-database-plugin",
                connection_url = $"{{{{username}}}}:{{{{password}}}}@tcp(127.0.0.1:{road.Port})/",
                username = MariaDbServer.Admin,
                password = MariaDbServer.Password,
            }
        );

        Assert.True((await server.QueryAsync("late_user", password, "SELECT 1")).Succeeded);
    }

    [Fact]
    public async Task A_password_that_was_lost_on_the_way_to_redis_is_never_set_later()
    {
        var server = await servers.RedisAsync();
        await server.CommandAsync(
            RedisServer.Admin,
            RedisServer.Password,
            "ACL",
            "SETUSER",
            "late_user",
            "on",
            ">before",
            "+@all"
        );
        await using var road = new LateRoad(server.Port);

        var password = await RotateAsync(
            road,
            "SETUSER",
            new
            {
                plugin_name = "redis-database-plugin",
                connection_url = $"redis://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{road.Port}",
                username = RedisServer.Admin,
                password = RedisServer.Password,
            }
        );

        Assert.Equal("PONG", await server.CommandAsync("late_user", password, "PING"));
    }

    /// <summary>A rotation that is cut off when it sets the password, and has gone back when that arrives.</summary>
    /// <returns>The password that readers get at the end.</returns>
    private static async Task<string> RotateAsync(LateRoad road, string change, object configuration)
    {
        await using var engine = await DatabaseHarness.StartAsync();
        (await engine.WriteAsync("config/db", configuration, new { allowed_roles = "*" })).IsDone();
        (
            await engine.WriteAsync(
                "static-roles/app",
                new
                {
                    db_name = "db",
                    username = "late_user",
                    rotation_period = "24h",
                }
            )
        ).IsDone();
        var before = await PasswordAsync(engine);

        road.CutAt(change);
        Assert.NotNull((await engine.WriteAsync("rotate-role/app", new { })).Fault);
        road.Mend();
        engine.Engine.Time.Advance(TimeSpan.FromMinutes(1));
        await engine.Engine.RunRotationsAsync();
        Assert.Equal(before, await PasswordAsync(engine));
        await road.DeliverAsync();
        return await PasswordAsync(engine);
    }

    private static async Task<string> PasswordAsync(DatabaseHarness engine) =>
        (await engine.ReadAsync("static-creds/app")).Data().GetProperty("password").GetString()!;
}
