using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Database;

/// <summary>A vault that knows a real database.</summary>
internal static class DatabaseMount
{
    /// <summary>Mounts the engine at <c>database/</c>, with that server as its connection <c>db</c>.</summary>
    public static async Task MountDatabaseAsync(this TestVault vault, IDatabaseServer server)
    {
        await vault.DataAsync(Operation.Update, "sys/mounts/database", """{"type":"database"}""");
        await vault.DataAsync(
            Operation.Update,
            "database/config/db",
            JsonSerializer.Serialize(server.ConfigurationAt(server.Port))
        );
    }
}
