using System.Text.Json;
using Mayfly.Core.Engines;
using Mayfly.Core.Engines.Database;
using Mayfly.Core.Pipeline;
using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Engines.Database;

public sealed class DatabaseContractTests(DatabaseServers servers) : EngineContract
{
    protected override EngineType Type => DatabaseEngine.Type;

    protected override async Task PrepareIssuingAsync(EngineHarness harness)
    {
        var server = await ConfigureAsync(harness);
        await WriteAsync(harness, "roles/x", new { db_name = "db", creation_statements = server.Creation });
    }

    protected override async Task<IReadOnlyList<string>> PrepareRotationAsync(EngineHarness harness)
    {
        var server = await ConfigureAsync(harness);
        var name = $"contract_{Guid.NewGuid():N}";
        await server.ExecuteAsync($"CREATE ROLE {name} LOGIN; CREATE ROLE {name}_a LOGIN; CREATE ROLE {name}_b LOGIN");
        object[] roles =
        [
            new
            {
                db_name = "db",
                username = name,
                rotation_period = "1h",
            },
            new
            {
                db_name = "db",
                username = $"{name}_a",
                second_username = $"{name}_b",
                rotation_period = "1h",
            },
        ];
        await WriteAsync(harness, "static-roles/one", roles[0]);
        await WriteAsync(harness, "static-roles/two", roles[1]);
        return ["static-roles/one", "static-roles/two"];
    }

    private async Task<PostgresServer> ConfigureAsync(EngineHarness harness)
    {
        var server = await servers.PostgresAsync();
        await WriteAsync(harness, "config/db", server.ConfigurationAt(server.Port));
        return server;
    }

    private static async Task WriteAsync(EngineHarness harness, string path, object body) =>
        (await harness.HandleAsync(Operation.Update, path, JsonSerializer.Serialize(body))).IsDone();
}
