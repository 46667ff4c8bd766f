using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Database;

/// <summary>Users in a real PostgreSQL, and a server whose clock is set an hour forward or back.</summary>
public sealed class ClockJumpTests(DatabaseServers servers)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task Set_forward_ends_come_earlier_by_the_step_and_no_user_stays()
    {
        var server = await servers.PostgresAsync();
        await using var vault = await StartAsync(server);
        var (username, _) = await IssueAsync(vault);
        vault.Time.Jump(Hour);
        await vault.AdvanceAsync(TimeSpan.FromMinutes(29));
        Assert.Contains(username, await server.UsersAsync());

        await vault.AdvanceAsync(TimeSpan.FromMinutes(2));

        Assert.DoesNotContain(username, await server.UsersAsync());
    }

    [Fact]
    public async Task Set_back_ends_come_later_by_the_step_at_most_and_new_ones_as_usual()
    {
        var server = await servers.PostgresAsync();
        await using var vault = await StartAsync(server);
        var (username, _) = await IssueAsync(vault);
        vault.Time.Jump(-Hour);
        var (later, _) = await IssueAsync(vault);

        await vault.AdvanceAsync(TimeSpan.FromMinutes(91));
        Assert.Contains(username, await server.UsersAsync());
        Assert.DoesNotContain(later, await server.UsersAsync());

        await vault.AdvanceAsync(Hour);
        Assert.DoesNotContain(username, await server.UsersAsync());
    }

    [Fact]
    public async Task An_hour_forward_and_back_again_ends_nobody_whose_time_has_not_come()
    {
        var server = await servers.PostgresAsync();
        await using var vault = await StartAsync(server);
        var (username, lease) = await IssueAsync(vault);
        vault.Time.Jump(Hour);
        await vault.AdvanceAsync(TimeSpan.FromMinutes(1));
        vault.Time.Jump(-Hour);
        await vault.AdvanceAsync(TimeSpan.FromMinutes(80));
        Assert.Contains(username, await server.UsersAsync());

        await vault.DataAsync(Operation.Update, "sys/leases/renew", $$"""{"lease_id":"{{lease}}"}""");
        await vault.AdvanceAsync(TimeSpan.FromMinutes(80));
        Assert.Contains(username, await server.UsersAsync());

        await vault.AdvanceAsync(TimeSpan.FromMinutes(11));
        Assert.DoesNotContain(username, await server.UsersAsync());
    }

    /// <summary>With a role whose users live for 90 minutes.</summary>
    private static async Task<TestVault> StartAsync(PostgresServer server)
    {
        var vault = await TestVault.StartAsync();
        await vault.MountDatabaseAsync(server);
        await vault.DataAsync(
            Operation.Update,
            "database/roles/app",
            JsonSerializer.Serialize(
                new
                {
                    db_name = "db",
                    creation_statements = server.Creation,
                    default_ttl = "90m",
                    max_ttl = "24h",
                }
            )
        );
        return vault;
    }

    private static async Task<(string Username, string Lease)> IssueAsync(TestVault vault)
    {
        var outcome = await vault.HandleAsync(Operation.Read, "database/creds/app");
        Assert.True(outcome.Succeeded, string.Join("; ", outcome.Fault?.Messages ?? []));
        using var response = outcome.Response!;
        return (JsonElement.Parse(response.Data.Span).GetProperty("username").GetString()!, response.LeaseId);
    }
}
