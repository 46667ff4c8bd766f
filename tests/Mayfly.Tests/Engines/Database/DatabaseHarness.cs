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

    /// <summary>One configured as <c>db</c>.</summary>
    public static async Task<DatabaseHarness> StartAsync(PostgresServer server, object? more = null)
    {
        var harness = await StartAsync();
        (await harness.ConfigureAsync(server, more)).IsDone();
        return harness;
    }

    public Task<Outcome> ConfigureAsync(PostgresServer server, object? more = null) =>
        WriteAsync(
            "config/db",
            new
            {
                plugin_name = "postgresql-database-plugin",
                connection_url = $"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{server.Port}/postgres",
                allowed_roles = "*",
                username = PostgresServer.Admin,
                password = PostgresServer.Password,
            },
            more
        );

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
        var path = $"creds/{role}";
        var match = Engine.Engine.Paths.Match(path)!;
        var request = Engine.Authorize(Operation.Read, path);
        var (plan, fault) = await match.Entry.Issue!(request, Cancellation);
        if (plan is null)
        {
            return (fault!, null);
        }

        var now = Engine.Time.GetUtcNow();
        var lease = new LeasedSecret($"database/{path}/{Guid.NewGuid():N}", path, plan.Data, now, now + plan.Ttl);
        return (await plan.Act(lease.ExpiresAt, Cancellation), lease);
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
