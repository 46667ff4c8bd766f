using System.Collections.Concurrent;
using System.Security.Cryptography;
using Mayfly.Core.Engines;
using Mayfly.Core.Engines.Database;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Database;

/// <summary>A PostgreSQL that is killed while it is used.</summary>
public sealed class KilledDatabaseTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_database_that_is_killed_between_issue_renewal_and_revocation_is_used_again_when_it_is_back()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("app");
        var (username, _, lease) = await engine.IssueAsync("app");

        await server.KillAsync();
        Assert.Equal(FaultKind.Unavailable, (await engine.PlanAndActAsync("app")).Outcome.Fault?.Kind);
        Assert.Equal(FaultKind.Unavailable, (await engine.RenewAsync(lease))?.Kind);
        Assert.Equal(FaultKind.Unavailable, (await engine.TryRevokeAsync(lease))?.Kind);

        await server.RunAsync();
        engine.Engine.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(await engine.RenewAsync(lease));
        var second = await engine.IssueAsync("app");
        await engine.RevokeAsync(lease);
        await engine.RevokeAsync(second.Lease);
        Assert.Empty(await server.UsersAsync());
        Assert.NotEmpty(username);
    }

    [Fact]
    public async Task A_database_that_is_killed_under_load_leaves_no_user_that_is_not_known()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var engine = await DatabaseHarness.StartAsync(server, new { max_open_connections = 8 });
        await engine.RoleAsync("app");
        var plans = new ConcurrentBag<(bool Made, LeasedSecret Lease)>();
        using var stop = new CancellationTokenSource();
        var load = Enumerable
            .Range(0, 16)
            .Select(async _ =>
            {
                while (!stop.IsCancellationRequested)
                {
                    var (outcome, lease) = await engine.PlanAndActAsync("app");
                    plans.Add((outcome.Succeeded, lease!));
                    if (!outcome.Succeeded)
                    {
                        return;
                    }
                }
            })
            .ToList();
        while (plans.Count < 20)
        {
            await Task.Delay(5, Cancellation);
        }

        await server.KillAsync();
        await Task.WhenAll(load);
        await stop.CancelAsync();
        await server.RunAsync();
        engine.Engine.Time.Advance(TimeSpan.FromSeconds(2));

        // What the pipeline does with plans that failed, and then with leases that end.
        await Task.WhenAll(plans.Where(plan => !plan.Made).Select(plan => engine.RevokeAsync(plan.Lease)));
        var live = plans.Where(plan => plan.Made).Select(plan => IssuedUser.Read(plan.Lease.Data).Username);
        Assert.Equal(live.Order(StringComparer.Ordinal), (await server.UsersAsync()).Order(StringComparer.Ordinal));
        await Task.WhenAll(plans.Select(plan => engine.RevokeAsync(plan.Lease)));
        Assert.Empty(await server.UsersAsync());
    }

    [Fact]
    public async Task A_database_that_is_killed_under_renewals_and_revocations_keeps_what_is_live_and_loses_what_was_revoked()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var engine = await DatabaseHarness.StartAsync(server, new { max_open_connections = 8 });
        await engine.RoleAsync("app");
        var issued = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => engine.IssueAsync("app")));
        var renewed = issued[..20];
        var revoked = new ConcurrentBag<string>();
        var renewals = renewed
            .Select(async user =>
            {
                while (await engine.RenewAsync(user.Lease) is null)
                {
                    // Until the database is gone.
                }
            })
            .ToList();
        var revocations = issued[20..]
            .Select(async user =>
            {
                if (await engine.TryRevokeAsync(user.Lease) is null)
                {
                    revoked.Add(user.Username);
                }
            })
            .ToList();
        while (revoked.Count < 10)
        {
            await Task.Delay(1, Cancellation);
        }

        await server.KillAsync();
        await Task.WhenAll([.. renewals, .. revocations]);
        await server.RunAsync();
        engine.Engine.Time.Advance(TimeSpan.FromSeconds(2));

        var users = await server.UsersAsync();
        Assert.Empty(users.Intersect(revoked));
        Assert.All(renewed, user => Assert.Contains(user.Username, users));
        Assert.NotEqual(180, revoked.Count);
        await Task.WhenAll(issued[20..].Select(user => engine.RevokeAsync(user.Lease)));
        foreach (var user in renewed)
        {
            Assert.Null(await engine.RenewAsync(user.Lease));
        }

        Assert.Equal(
            renewed.Select(user => user.Username).Order(StringComparer.Ordinal),
            (await server.UsersAsync()).Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [InlineData("dual")]
    [InlineData("atomic")]
    public async Task A_database_that_is_killed_at_any_moment_of_a_rotation_lets_in_whoever_reads_the_password(
        string mode
    )
    {
        await using var server = await PostgresServer.StartAsync();
        await server.ExecuteAsync("CREATE ROLE one LOGIN; CREATE ROLE two LOGIN");
        await using var engine = await DatabaseHarness.StartAsync(server);
        (
            await engine.WriteAsync(
                "static-roles/app",
                new
                {
                    db_name = "db",
                    username = "one",
                    second_username = mode == "dual" ? "two" : "",
                    rotation_mode = mode,
                    rotation_period = "24h",
                }
            )
        ).IsDone();
        var failures = 0;
        for (var round = 0; round < 15; round++)
        {
            var rotation = engine.WriteAsync("rotate-role/app", new { });
            await Task.Delay(RandomNumberGenerator.GetInt32(40), Cancellation);
            await server.KillAsync();
            failures += (await rotation).Fault is null ? 0 : 1;
            await server.RunAsync();

            for (var i = 0; i < 4; i++)
            {
                engine.Engine.Time.Advance(TimeSpan.FromMinutes(10));
                await engine.Engine.RunRotationsAsync();
            }

            var credential = (await engine.ReadAsync("static-creds/app")).Data();
            await using (
                await server.ConnectAsync(
                    credential.GetProperty("username").GetString()!,
                    credential.GetProperty("password").GetString()!
                )
            ) { }
        }

        Assert.NotEqual(0, failures);
        (await engine.WriteAsync("rotate-role/app", new { })).IsDone();
    }
}
