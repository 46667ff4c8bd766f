using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Database;

/// <summary>Everything that can happen to a mount at once, over a real PostgreSQL.</summary>
public sealed class TuneStormTests
{
    private const int Rounds = 2;
    private const int Clients = 8;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_mount_that_is_tuned_revoked_by_force_and_disabled_while_it_issues_leaves_no_user_behind()
    {
        await using var postgres = await PostgresServer.StartAsync();
        await using var vault = await TestVault.StartAsync();
        var issued = 0;
        for (var round = 0; round < Rounds; round++)
        {
            await SetUpAsync(vault, postgres);
            var over = false;
            var clients = Enumerable
                .Range(0, Clients)
                .Select(_ => RepeatAsync(Operation.Read, "database/creds/app", "", 0))
                .ToList();
            clients.Add(RepeatAsync(Operation.Update, "sys/mounts/database/tune", """{"default_lease_ttl":"1h"}""", 1));
            for (var force = 0; force < 5; force++)
            {
                await Task.Delay(60, Cancellation);
                await vault.HandleAsync(Operation.Update, "sys/leases/revoke-force/database");
            }

            if (round % 2 == 0)
            {
                await DisableAsync(vault);
            }

            Volatile.Write(ref over, true);
            await Task.WhenAll(clients);
            if (round % 2 == 1)
            {
                await vault.HandleAsync(Operation.Update, "sys/leases/revoke-force/database");
                await DisableAsync(vault);
            }

            // What was being issued when its mount went away is undone soon.
            await vault.AdvanceAsync(TimeSpan.FromMinutes(5));
            Assert.Empty(await postgres.UsersAsync());

            async Task RepeatAsync(Operation operation, string path, string body, int pause)
            {
                while (!Volatile.Read(ref over))
                {
                    var outcome = await vault.HandleAsync(operation, path, body);
                    if (outcome.Response is { } response && path.StartsWith("database", StringComparison.Ordinal))
                    {
                        Interlocked.Increment(ref issued);
                        response.Dispose();
                    }

                    await Task.Delay(pause + 1, Cancellation);
                }
            }
        }

        Assert.True(issued > 0);
    }

    private static async Task DisableAsync(TestVault vault)
    {
        var outcome = await vault.HandleAsync(Operation.Delete, "sys/mounts/database");
        Assert.True(outcome.Succeeded, string.Join("; ", outcome.Fault?.Messages ?? []));
    }

    private static async Task SetUpAsync(TestVault vault, PostgresServer postgres)
    {
        await vault.MountDatabaseAsync(postgres);
        await vault.DataAsync(
            Operation.Update,
            "database/roles/app",
            JsonSerializer.Serialize(new { db_name = "db", creation_statements = postgres.Creation })
        );
    }
}
