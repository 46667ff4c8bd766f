using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Engines.Database;

public sealed class RedisContractTests(DatabaseServers servers) : DatabaseContract
{
    protected override string PluginName => "redis-database-plugin";

    protected override async Task<IDatabaseServer> SharedAsync() => await servers.RedisAsync();

    protected override async Task<IDatabaseServer> OwnAsync() => await RedisServer.StartAsync();
}
