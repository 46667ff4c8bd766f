[assembly: AssemblyFixture(typeof(Mayfly.Tests.Engines.Database.DatabaseServers))]

namespace Mayfly.Tests.Engines.Database;

/// <summary>The database servers that tests share: each started when the first test asks for it, and stopped after the last.</summary>
public sealed class DatabaseServers : IAsyncDisposable
{
    private readonly Lazy<Task<PostgresServer>> _postgres = new(() => PostgresServer.StartAsync());

    public Task<PostgresServer> PostgresAsync() => _postgres.Value;

    public async ValueTask DisposeAsync()
    {
        if (_postgres.IsValueCreated)
        {
            await (await _postgres.Value).DisposeAsync();
        }
    }
}
