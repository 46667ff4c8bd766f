using System.Text.Json;
using System.Text.Json.Nodes;
using Mayfly.Core.Engines;
using Mayfly.Core.Engines.Database;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Database;

/// <summary>The engine, with a clock that shows the time which real databases have.</summary>
public sealed class DatabaseHarness : IAsyncDisposable
{
    private DatabaseHarness(EngineHarness engine) => Engine = engine;

    public EngineHarness Engine { get; }

    private IIssuesLeases Leases => (IIssuesLeases)Engine.Engine;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<DatabaseHarness> StartAsync()
    {
        var engine = await EngineHarness.StartAsync(DatabaseEngine.Type, now: TimeProvider.System.GetUtcNow());
        return new DatabaseHarness(engine);
    }

    /// <summary>One configured as <c>db</c>, to be reached at another port where one is given.</summary>
    public static async Task<DatabaseHarness> StartAsync(IDatabaseServer server, object? more = null, int? port = null)
    {
        var harness = await StartAsync();
        (await harness.ConfigureAsync(server, more, port)).IsDone();
        return harness;
    }

    public Task<Outcome> ConfigureAsync(IDatabaseServer server, object? more = null, int? port = null) =>
        WriteAsync("config/db", server.ConfigurationAt(port ?? server.Port), more);

    /// <summary>A role called <paramref name="name"/> whose users may log in, and what <paramref name="more"/> says.</summary>
    public async Task RoleAsync(string name, object? more = null) =>
        (
            await WriteAsync(
                $"roles/{name}",
                new
                {
                    db_name = "db",
                    creation_statements = "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'",
                    default_ttl = "1h",
                    max_ttl = "24h",
                },
                more
            )
        ).IsDone();

    public Task<Outcome> WriteAsync(string path, object fields, object? more = null)
    {
        var body = (JsonObject)JsonSerializer.SerializeToNode(fields)!;
        foreach (var (name, value) in (JsonObject)JsonSerializer.SerializeToNode(more ?? new { })!)
        {
            body[name] = value?.DeepClone();
        }

        return Engine.HandleAsync(Operation.Update, path, body.ToJsonString());
    }

    public Task<Outcome> ReadAsync(string path) => Engine.HandleAsync(Operation.Read, path);

    /// <summary>A credential of that role, with its lease.</summary>
    public async Task<(string Username, string Password, LeasedSecret Lease)> IssueAsync(string role)
    {
        var data = (await ReadAsync($"creds/{role}")).Data();
        var username = data.GetProperty("username").GetString()!;
        LeasedSecret lease;
        lock (Engine.Leases)
        {
            lease = Engine.Leases.Single(each => IssuedUser.Read(each.Data).Username == username);
        }

        return (username, data.GetProperty("password").GetString()!, lease);
    }

    /// <summary>A credential of that role whose failure is the test's to look at, with the lease that it has or would have had.</summary>
    public async Task<(Outcome Outcome, LeasedSecret? Lease)> PlanAndActAsync(string role)
    {
        var (plan, lease, fault) = await TryPlanAsync(role);
        return plan is null ? (fault!, null) : (await plan.Act(lease!.ExpiresAt, Cancellation), lease);
    }

    /// <summary>The lease of a credential that was planned and never made, as a crash leaves it.</summary>
    public async Task<LeasedSecret> PlanAsync(string role)
    {
        var (_, lease, _) = await TryPlanAsync(role);
        Assert.NotNull(lease);
        return lease;
    }

    private async Task<(LeasePlan? Plan, LeasedSecret? Lease, Fault? Fault)> TryPlanAsync(string role)
    {
        var path = $"creds/{role}";
        var match = Engine.Engine.Paths.Match(path)!;
        var (plan, fault) = await match.Entry.Issue!(Engine.Authorize(Operation.Read, path), Cancellation);
        if (plan is null)
        {
            return (null, null, fault);
        }

        var now = Engine.Time.GetUtcNow();
        return (
            plan,
            new LeasedSecret($"database/{path}/{Guid.NewGuid():N}", path, plan.Data, now, now + plan.Ttl),
            null
        );
    }

    /// <summary>Puts a configuration into the store as it is.</summary>
    internal async Task StoreAsync(string name, ConnectionConfig config)
    {
        using var record = config.Write();
        Assert.True((await Engine.View.PutAsync($"config/{name}", record.Span, Cancellation)).Succeeded);
    }

    public async Task RevokeAsync(LeasedSecret lease) =>
        Assert.Equal("", string.Join("; ", (await TryRevokeAsync(lease))?.Messages ?? []));

    public Task<Fault?> TryRevokeAsync(LeasedSecret lease) => Leases.RevokeAsync(lease, Cancellation).AsTask();

    public Task<Fault?> RenewAsync(LeasedSecret lease) => Leases.RenewAsync(lease, Cancellation).AsTask();

    public ValueTask DisposeAsync() => Engine.DisposeAsync();
}
