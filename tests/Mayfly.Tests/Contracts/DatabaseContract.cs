using Mayfly.Core.Pipeline;
using Mayfly.Tests.Engines;
using Mayfly.Tests.Engines.Database;

namespace Mayfly.Tests.Contracts;

/// <summary>What every kind of database keeps, against a real server. A new one inherits this class and names its server.</summary>
public abstract class DatabaseContract
{
    /// <summary>One of the kind's plugin names.</summary>
    protected abstract string PluginName { get; }

    /// <summary>A server that tests share.</summary>
    protected abstract Task<IDatabaseServer> SharedAsync();

    /// <summary>A server that the test may kill.</summary>
    protected abstract Task<IDatabaseServer> OwnAsync();

    [Fact]
    public async Task A_credential_works_until_its_lease_is_revoked()
    {
        var server = await SharedAsync();
        await using var engine = await StartAsync(server);

        var (username, password, lease) = await engine.IssueAsync("app");

        Assert.True(await server.LetsInAsync(username, password));
        Assert.False(await server.LetsInAsync(username, password + "x"));
        Assert.Null(await engine.RenewAsync(lease));
        Assert.True(await server.LetsInAsync(username, password));

        await engine.RevokeAsync(lease);
        Assert.False(await server.LetsInAsync(username, password));
        Assert.DoesNotContain(username, await server.AllUsersAsync());
        await engine.RevokeAsync(lease);
    }

    [Fact]
    public async Task A_lease_whose_user_was_never_made_can_be_revoked()
    {
        await using var engine = await StartAsync(await SharedAsync());

        await engine.RevokeAsync(await engine.PlanAsync("app"));
    }

    [Fact]
    public async Task What_a_killed_run_of_the_server_had_sent_does_not_arrive_after_its_lease_was_revoked()
    {
        var server = await SharedAsync();
        await using var road = new LateRoad(server.Port);
        var name = $"late{Guid.NewGuid():N}"[..12];
        await using var engine = await StartAsync(
            server,
            new { username_template = $"{name}_{{{{random 8}}}}" },
            road.Port
        );

        road.CutAt(name);
        var (outcome, lease) = await engine.PlanAndActAsync("app");
        Assert.Equal(FaultKind.Unavailable, outcome.Fault?.Kind);
        road.Mend();
        await engine.Engine.RestartAsync();
        engine.Engine.Time.Advance(TimeSpan.FromSeconds(2));
        await engine.RevokeAsync(lease!);
        await road.DeliverAsync();

        Assert.DoesNotContain(await server.AllUsersAsync(), user => user.StartsWith(name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Sessions_of_other_configurations_go_on_when_those_of_a_killed_run_are_ended()
    {
        var server = await SharedAsync();
        await using var road = new LateRoad(server.Port);
        await using var other = await StartAsync(server, new { max_open_connections = 1 }, road.Port);
        await using var engine = await StartAsync(server);
        var lease = (await other.IssueAsync("app")).Lease;
        await engine.RevokeAsync((await engine.IssueAsync("app")).Lease);
        var before = road.Connections;

        await engine.Engine.RestartAsync();
        await engine.RevokeAsync((await engine.IssueAsync("app")).Lease);

        await other.RevokeAsync(lease);
        Assert.Equal(before, road.Connections);
    }

    [Fact]
    public async Task A_creation_that_fails_leaves_no_user()
    {
        var server = await SharedAsync();
        await using var engine = await StartAsync(server);
        var role = Guid.NewGuid().ToString("N")[..8];
        (
            await engine.WriteAsync($"roles/{role}", new { db_name = "db", creation_statements = server.Creation })
        ).IsDone();
        var whole = await engine.IssueAsync(role);
        Assert.Contains(await server.AllUsersAsync(), name => IsOf(role, name));
        await engine.RevokeAsync(whole.Lease);

        (await engine.WriteAsync($"roles/{role}", new { creation_statements = server.FailingCreation })).IsDone();
        var (outcome, lease) = await engine.PlanAndActAsync(role);

        Assert.Equal(FaultKind.Invalid, outcome.Fault?.Kind);

        // As the pipeline does after a fault; not every database can take back what it has begun.
        await engine.RevokeAsync(lease!);
        Assert.DoesNotContain(await server.AllUsersAsync(), name => IsOf(role, name));
    }

    [Fact]
    public async Task A_user_that_is_there_is_taken_over_and_its_password_rotated()
    {
        var server = await SharedAsync();
        await using var engine = await StartAsync(server);
        var username = $"static_{Guid.NewGuid():N}"[..20];
        await server.AddUserAsync(username, "before");
        Assert.True(await server.LetsInAsync(username, "before"));

        (
            await engine.WriteAsync(
                "static-roles/batch",
                new
                {
                    db_name = "db",
                    username,
                    rotation_period = "1h",
                }
            )
        ).IsDone();
        var first = await PasswordAsync(engine);
        Assert.True(await server.LetsInAsync(username, first));
        Assert.False(await server.LetsInAsync(username, "before"));

        (await engine.WriteAsync("rotate-role/batch", new { })).IsDone();
        Assert.True(await server.LetsInAsync(username, await PasswordAsync(engine)));
        Assert.False(await server.LetsInAsync(username, first));
    }

    [Fact]
    public async Task A_wrong_password_of_the_administrator_is_said_and_not_repeated()
    {
        var server = await SharedAsync();
        await using var engine = await DatabaseHarness.StartAsync();

        var outcome = await engine.ConfigureAsync(server, new { password = "canary-of-the-password" });

        Assert.Equal(FaultKind.Invalid, outcome.Fault?.Kind);
        Assert.DoesNotContain("canary", outcome.Fault!.Messages[0], StringComparison.Ordinal);
        Assert.Equal(FaultKind.NotFound, (await engine.ReadAsync("config/db")).Fault?.Kind);
    }

    [Fact]
    public async Task A_database_that_is_killed_is_used_again_when_it_is_back()
    {
        await using var server = await OwnAsync();
        await using var engine = await StartAsync(server);
        var (username, _, lease) = await engine.IssueAsync("app");

        await server.KillAsync();
        Assert.Equal(FaultKind.Unavailable, (await engine.PlanAndActAsync("app")).Outcome.Fault?.Kind);
        Assert.Equal(FaultKind.Unavailable, (await engine.TryRevokeAsync(lease))?.Kind);

        await server.RunAsync();
        engine.Engine.Time.Advance(TimeSpan.FromSeconds(2));
        var second = await engine.IssueAsync("app");
        Assert.True(await server.LetsInAsync(second.Username, second.Password));
        await engine.RevokeAsync(lease);
        Assert.DoesNotContain(username, await server.AllUsersAsync());
    }

    /// <summary>Configured as <c>db</c>, with the role <c>app</c>.</summary>
    private static async Task<DatabaseHarness> StartAsync(IDatabaseServer server, object? more = null, int? port = null)
    {
        var engine = await DatabaseHarness.StartAsync(server, more, port);
        (
            await engine.WriteAsync(
                "roles/app",
                new
                {
                    db_name = "db",
                    creation_statements = server.Creation,
                    default_ttl = "1h",
                }
            )
        ).IsDone();
        return engine;
    }

    private static async Task<string> PasswordAsync(DatabaseHarness engine) =>
        (await engine.ReadAsync("static-creds/batch")).Data().GetProperty("password").GetString()!;

    /// <summary>Users are named after their role, in capitals here and there.</summary>
    private static bool IsOf(string role, string username) =>
        username.Contains(role, StringComparison.OrdinalIgnoreCase);
}
