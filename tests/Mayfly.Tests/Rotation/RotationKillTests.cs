using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Mayfly.Tests.Engines.Database;
using Mayfly.Tests.Storage;

namespace Mayfly.Tests.Rotation;

/// <summary>
/// A real server is killed while it rotates a password in a real PostgreSQL. After each start the rotation finishes or goes back
/// by itself, and what readers get works.
/// </summary>
public sealed class RotationKillTests(DatabaseServers servers)
{
    private const int Rounds = 12;

    /// <summary>About as long as a rotation takes.</summary>
    private const int LongestMilliseconds = 60;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("coordinated", false)]
    [InlineData("coordinated", true)]
    [InlineData("dual", true)]
    public async Task Killed_at_any_moment_a_rotation_finishes_or_goes_back(string mode, bool emergency)
    {
        var postgres = await servers.PostgresAsync();
        var user = $"killed_{mode}_{emergency}".ToLowerInvariant();
        await postgres.ExecuteAsync($"CREATE ROLE {user} LOGIN");
        await postgres.ExecuteAsync($"CREATE ROLE {user}_b LOGIN");
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder.Path);
        await using (var server = await ServerProcess.StartDevAsync(folder.Path))
        {
            using var http = server.NewClient();
            await http.WriteAsync("sys/mounts/database", new { type = "database" });
            await http.WriteAsync("database/config/db", postgres.ConfigurationAt(postgres.Port));
            await http.WriteAsync(
                "database/static-roles/app",
                new
                {
                    db_name = "db",
                    username = user,
                    second_username = mode == "dual" ? $"{user}_b" : "",
                    rotation_mode = mode,
                    rotation_period = "24h",
                }
            );
            Assert.Equal(0, await server.StopAsync());
        }

        for (var round = 0; round < Rounds; round++)
        {
            await using var server = await ServerProcess.StartDevAsync(folder.Path);
            using var http = server.NewClient();
            var (name, password) = await SettledAsync(http, mode == "dual" ? postgres : null);
            await using (await postgres.ConnectAsync(name, password)) { }

            var rotation = http.PostAsJsonAsync(
                new Uri("sys/rotation/rotate/database/static-roles/app", UriKind.Relative),
                new { now = emergency, reason = "it is killed" },
                Cancellation
            );
            await Task.Delay(RandomNumberGenerator.GetInt32(LongestMilliseconds), Cancellation);
            await server.CrashAsync();
            try
            {
                (await rotation).Dispose();
            }
            catch (HttpRequestException)
            {
                // It was killed.
            }
        }

        await using var last = await ServerProcess.StartDevAsync(folder.Path);
        using var client = last.NewClient();
        var before = await SettledAsync(client, postgres: null);
        await client.WriteAsync(
            "sys/rotation/rotate/database/static-roles/app",
            new { now = emergency, reason = "it may end" }
        );
        var after = await SettledAsync(client, postgres: null);
        Assert.NotEqual(before, after);
        await using (await postgres.ConnectAsync(after.Name, after.Password)) { }
        if (emergency)
        {
            await Assert.ThrowsAsync<Npgsql.PostgresException>(() =>
                postgres.ConnectAsync(before.Name, before.Password)
            );
        }
    }

    /// <summary>What readers get once nothing is under way; given a server, it has to let them in before, too.</summary>
    private static async Task<(string Name, string Password)> SettledAsync(HttpClient http, PostgresServer? postgres)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            var credential = await http.ReadAsync("database/static-creds/app");
            var name = credential.GetProperty("username").GetString()!;
            var password = credential.GetProperty("password").GetString()!;
            var status = await http.ReadAsync("sys/rotation/status/database/static-roles/app");
            if (
                status.GetProperty("step").GetString() == "idle"
                && status.GetProperty("next_attempt").GetDateTimeOffset() > TimeProvider.System.GetUtcNow().AddHours(1)
            )
            {
                credential = await http.ReadAsync("database/static-creds/app");
                return (
                    credential.GetProperty("username").GetString()!,
                    credential.GetProperty("password").GetString()!
                );
            }

            if (postgres is not null)
            {
                // With two users there is never a moment in which what readers get does not work; unless it is replaced just now.
                try
                {
                    await using (await postgres.ConnectAsync(name, password)) { }
                }
                catch (Npgsql.PostgresException)
                {
                    var now = await http.ReadAsync("database/static-creds/app");
                    Assert.NotEqual(password, now.GetProperty("password").GetString());
                }
            }

            await Task.Delay(20, limit.Token);
        }
    }
}
