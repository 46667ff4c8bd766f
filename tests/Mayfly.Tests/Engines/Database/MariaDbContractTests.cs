using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Engines.Database;

public sealed class MariaDbContractTests(DatabaseServers servers) : DatabaseContract
{
    protected override string PluginName => "mysql-database-plugin";

    protected override async Task<IDatabaseServer> SharedAsync() => await servers.MariaDbAsync();

    protected override async Task<IDatabaseServer> OwnAsync() => await MariaDbServer.StartAsync();
}
