using Mayfly.Tests;
using Mayfly.Tests.Engines.Database;
using Mayfly.Tests.Engines.RabbitMq;

[assembly: AssemblyFixture(typeof(RabbitServers))]

namespace Mayfly.Compat.Tests;

/// <summary>Client libraries that we did not write drive a real server.</summary>
public sealed class ClientLibraryTests(RabbitServers servers)
{
    [Fact]
    public async Task Hvac_finds_all_that_it_asks_for()
    {
        await using var server = await ServerProcess.StartDevAsync();
        var run = await ForeignProgram.RunAsync(
            ForeignProgram.Python,
            ["-W", "ignore", ForeignProgram.Script("hvac_suite.py"), server.Address, ServerProcess.DevToken]
        );
        run.Succeeded();
        Assert.Contains("\nOK", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hvac_gets_users_of_RabbitMQ()
    {
        var rabbit = await servers.ServerAsync();
        await using var server = await ServerProcess.StartDevAsync();
        var run = await ForeignProgram.RunAsync(
            ForeignProgram.Python,
            [
                "-W",
                "ignore",
                ForeignProgram.Script("hvac_rabbitmq.py"),
                server.Address,
                ServerProcess.DevToken,
                rabbit.Api,
                RabbitServer.Admin,
                RabbitServer.Password,
            ]
        );
        run.Succeeded();
        Assert.Contains("\nOK", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hvac_gets_users_of_PostgreSQL()
    {
        await using var postgres = await PostgresServer.StartAsync();
        await using var server = await ServerProcess.StartDevAsync();
        var run = await ForeignProgram.RunAsync(
            ForeignProgram.Python,
            [
                "-W",
                "ignore",
                ForeignProgram.Script("hvac_database.py"),
                server.Address,
                ServerProcess.DevToken,
                $"{postgres.Port}",
                PostgresServer.Admin,
                PostgresServer.Password,
            ]
        );
        run.Succeeded();
        Assert.Contains("\nOK", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hvac_starts_initialises_and_unseals_a_server()
    {
        var run = await ForeignProgram.RunAsync(
            ForeignProgram.Python,
            ["-W", "ignore", ForeignProgram.Script("hvac_server.py"), ServerProcess.Program("mayfly")]
        );
        run.Succeeded();
        Assert.Contains("\nOK", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Node_vault_finds_all_that_it_asks_for()
    {
        var modules = Path.Combine(ForeignProgram.Repository, "artifacts", "node", "node_modules");
        Assert.True(Directory.Exists(Path.Combine(modules, "node-vault")), "./test.sh installs node-vault from npm");
        await using var server = await ServerProcess.StartDevAsync();
        var run = await ForeignProgram.RunAsync(
            "node",
            [ForeignProgram.Script("node_suite.mjs"), server.Address, ServerProcess.DevToken, modules]
        );
        Assert.Contains("ok - health", run.Succeeded(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_web_socket_of_another_maker_is_told_what_changes()
    {
        var modules = Path.Combine(ForeignProgram.Repository, "artifacts", "node", "node_modules");
        Assert.True(Directory.Exists(Path.Combine(modules, "ws")), "./test.sh installs ws from npm");
        await using var server = await ServerProcess.StartDevAsync();
        var run = await ForeignProgram.RunAsync(
            "node",
            [ForeignProgram.Script("events_ws.mjs"), server.Address, ServerProcess.DevToken, modules]
        );
        Assert.Contains("ok - events", run.Succeeded(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_sent_events_are_read_by_another_client()
    {
        await using var server = await ServerProcess.StartDevAsync();
        var run = await ForeignProgram.RunAsync(
            ForeignProgram.Python,
            ["-W", "ignore", ForeignProgram.Script("events_sse.py"), server.Address, ServerProcess.DevToken]
        );
        Assert.Contains("ok - server-sent", run.Succeeded(), StringComparison.Ordinal);
    }
}
