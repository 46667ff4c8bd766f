using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Database;

/// <summary>Against a real Redis, which all of these share.</summary>
public sealed class RedisTests(DatabaseServers servers)
{
    [Fact]
    public async Task Users_are_named_after_token_and_role_and_may_what_its_rules_say()
    {
        var server = await servers.RedisAsync();
        await using var engine = await StartAsync(server);

        var (username, password, lease) = await engine.IssueAsync("app");

        Assert.Matches("^V_.*_APP_[A-Z0-9]{20}_[0-9]{10}$", username);
        Assert.Equal("OK", await server.CommandAsync(username, password, "SET", "orders:1", "x"));
        Assert.Contains(
            "NOPERM",
            await server.CommandAsync(username, password, "SET", "other", "x"),
            StringComparison.Ordinal
        );
        await engine.RevokeAsync(lease);
    }

    [Fact]
    public async Task Open_sessions_end_with_the_lease()
    {
        var server = await servers.RedisAsync();
        await using var engine = await StartAsync(server);
        var (username, password, lease) = await engine.IssueAsync("app");
        var waiting = server.CommandAsync(username, password, "BLPOP", "orders:queue", "60");
        while (
            !(await server.CommandAsync(RedisServer.Admin, RedisServer.Password, "CLIENT", "LIST")).Contains(
                $"user={username}",
                StringComparison.Ordinal
            )
        )
        {
            Assert.False(waiting.IsCompleted);
        }

        await engine.RevokeAsync(lease);

        // Within the minute that it would have waited otherwise.
        Assert.DoesNotContain(
            "orders",
            await waiting.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Users_that_were_made_and_removed_stay_so_when_redis_starts_again()
    {
        await using var server = await RedisServer.StartAsync();
        await using var engine = await StartAsync(server);
        var removed = await engine.IssueAsync("app");
        var kept = await engine.IssueAsync("app");
        await engine.RevokeAsync(removed.Lease);

        await server.KillAsync();
        Assert.Equal(FaultKind.Unavailable, (await engine.TryRevokeAsync(kept.Lease))?.Kind);
        await server.RunAsync();
        engine.Engine.Time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal("PONG", await server.CommandAsync(kept.Username, kept.Password, "PING"));
        Assert.DoesNotContain(removed.Username, await server.AllUsersAsync());
        await engine.RevokeAsync(kept.Lease);
    }

    [Theory]
    [InlineData("[\"nopass\"]")]
    [InlineData("[\"~*\",\">known\"]")]
    [InlineData("[\"RESET\"]")]
    public async Task Rules_that_would_let_others_in_are_refused(string rules)
    {
        var server = await servers.RedisAsync();
        await using var engine = await StartAsync(server);

        var outcome = await engine.WriteAsync("roles/open", new { db_name = "db", creation_statements = rules });

        Assert.Equal(FaultKind.Invalid, outcome.Fault?.Kind);
    }

    [Fact]
    public async Task Rotating_the_administrator_leaves_its_password_to_the_server_alone()
    {
        await using var server = await RedisServer.StartAsync();
        await using var engine = await StartAsync(server);

        (await engine.WriteAsync("rotate-root/db", new { })).IsDone();

        Assert.Contains(
            "WRONGPASS",
            await server.CommandAsync(RedisServer.Admin, RedisServer.Password, "PING"),
            StringComparison.Ordinal
        );
        var (username, password, lease) = await engine.IssueAsync("app");
        Assert.Equal("PONG", await server.CommandAsync(username, password, "PING"));
        await engine.RevokeAsync(lease);
    }

    private static async Task<DatabaseHarness> StartAsync(RedisServer server)
    {
        var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("app", new { creation_statements = server.Creation });
        return engine;
    }
}
