using Mayfly.Tests.Engines.Database;

namespace Mayfly.Compat.Tests;

/// <summary>The databases that the examples speak of, where an example needs one: real ones, at other addresses.</summary>
internal sealed class TourDatabases(PostgresServer? postgres) : IAsyncDisposable
{
    private const string PostgresAddress = "orders.internal:5432";

    public static async Task<TourDatabases> StartAsync(string script)
    {
        if (!script.Contains(PostgresAddress, StringComparison.Ordinal))
        {
            return new TourDatabases(null);
        }

        var server = await PostgresServer.StartAsync();
        await server.ExecuteAsync($"CREATE DATABASE \"{PostgresServer.Admin}\"");
        await server.ExecuteAsync(
            $"CREATE SCHEMA app; CREATE TABLE app.orders (id int); CREATE ROLE batch_a LOGIN; CREATE ROLE batch_b LOGIN; ALTER ROLE \"{PostgresServer.Admin}\" PASSWORD '...'",
            PostgresServer.Admin
        );
        return new TourDatabases(server);
    }

    /// <summary>The script with their addresses.</summary>
    public string PutInto(string script) =>
        postgres is null
            ? script
            : script.Replace(PostgresAddress, $"127.0.0.1:{postgres.Port}", StringComparison.Ordinal);

    public ValueTask DisposeAsync() => postgres?.DisposeAsync() ?? ValueTask.CompletedTask;
}
