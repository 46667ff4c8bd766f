[assembly: AssemblyFixture(typeof(Mayfly.Tests.Engines.Database.DatabaseServers))]

namespace Mayfly.Tests.Engines.Database;

/// <summary>The database servers that tests share: each started when the first test asks for it, and stopped after the last.</summary>
public sealed class DatabaseServers : IAsyncDisposable
{
    private readonly Lazy<Task<PostgresServer>> _postgres = new(() => PostgresServer.StartAsync());

    private readonly Lazy<Task<MariaDbServer>> _mariaDb = new(() => MariaDbServer.StartAsync());
    private readonly Lazy<Task<RedisServer>> _redis = new(() => RedisServer.StartAsync());

    public Task<PostgresServer> PostgresAsync() => _postgres.Value;

    public Task<MariaDbServer> MariaDbAsync() => _mariaDb.Value;

    public Task<RedisServer> RedisAsync() => _redis.Value;

    public async ValueTask DisposeAsync()
    {
        if (_postgres.IsValueCreated)
        {
            await (await _postgres.Value).DisposeAsync();
        }

        if (_mariaDb.IsValueCreated)
        {
            await (await _mariaDb.Value).DisposeAsync();
        }

        if (_redis.IsValueCreated)
        {
            await (await _redis.Value).DisposeAsync();
        }
    }
}
