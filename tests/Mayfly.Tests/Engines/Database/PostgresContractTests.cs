using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Engines.Database;

public sealed class PostgresContractTests(DatabaseServers servers) : DatabaseContract
{
    protected override string PluginName => "postgresql-database-plugin";

    protected override async Task<IDatabaseServer> SharedAsync() => await servers.PostgresAsync();

    protected override async Task<IDatabaseServer> OwnAsync() => await PostgresServer.StartAsync();
}
