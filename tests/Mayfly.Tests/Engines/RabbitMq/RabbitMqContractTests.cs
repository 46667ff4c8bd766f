using System.Text.Json;
using Mayfly.Core.Engines;
using Mayfly.Core.Engines.RabbitMq;
using Mayfly.Core.Pipeline;
using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Engines.RabbitMq;

public sealed class RabbitMqContractTests(RabbitServers servers) : EngineContract, IClassFixture<RabbitServers>
{
    protected override EngineType Type => RabbitMqEngine.Type;

    protected override async Task PrepareIssuingAsync(EngineHarness harness)
    {
        var server = await servers.ServerAsync();
        await WriteAsync(
            harness,
            "config/connection",
            new
            {
                connection_uri = server.Api,
                username = RabbitServer.Admin,
                password = RabbitServer.Password,
            }
        );
        await WriteAsync(harness, "roles/x", new { vhosts = """{"/":{"configure":"^x","write":"^x","read":"^x"}}""" });
    }

    private static async Task WriteAsync(EngineHarness harness, string path, object body) =>
        (await harness.HandleAsync(Operation.Update, path, JsonSerializer.Serialize(body))).IsDone();
}
