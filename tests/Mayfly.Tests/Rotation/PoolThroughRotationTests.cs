using System.Net.Http.Json;
using System.Text.Json;
using Mayfly.Tests.Engines.Database;
using Npgsql;

namespace Mayfly.Tests.Rotation;

/// <summary>
/// Programs that query PostgreSQL all the time while their credential is rotated again and again, on a real server: none of them
/// may notice.
/// </summary>
public sealed class PoolThroughRotationTests(DatabaseServers servers)
{
    private const string Role = "static-roles/pool";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_query_fails_while_two_users_take_turns()
    {
        var postgres = await servers.PostgresAsync();
        await postgres.ExecuteAsync("CREATE ROLE pool_a LOGIN; CREATE ROLE pool_b LOGIN");
        await using var server = await ServerProcess.StartDevAsync();
        using var http = server.NewClient();
        await http.WriteAsync("sys/mounts/database", new { type = "database" });
        await http.WriteAsync(
            "database/config/db",
            new
            {
                plugin_name = "postgresql-database-plugin",
                allowed_roles = "*",
                connection_url = $"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{postgres.Port}/postgres",
                username = PostgresServer.Admin,
                password = PostgresServer.Password,
            }
        );
        await http.WriteAsync(
            $"database/{Role}",
            new
            {
                db_name = "db",
                username = "pool_a",
                second_username = "pool_b",
                rotation_period = "24h",
                // The server has just started, so it waits the whole time: there may be consumers that it does not know yet.
                consumer_wait = "2s",
                retire_after = "1s",
            }
        );

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var programs = Enumerable
            .Range(0, 8)
            .Select(i => new QueryingProgram(server, postgres, i % 2 == 0 ? $"pool/{i}" : null))
            .ToList();
        var running = programs.Select(program => program.RunAsync(stop.Token)).ToList();
        for (var i = 0; i < 3; i++)
        {
            var before = await VersionAsync(http);
            await http.WriteAsync($"sys/rotation/rotate/database/{Role}", new { reason = $"round {i}" });
            await RotationFunction.WaitForAsync(
                () =>
                {
                    var status = StatusAsync(http).GetAwaiter().GetResult();
                    return status.GetProperty("current_version").GetString() != before
                        && status.GetProperty("step").GetString() == "idle";
                },
                "the rotation did not come to its end"
            );
        }

        await stop.CancelAsync();
        await Task.WhenAll(running);
        Assert.All(programs, program => Assert.Equal("", program.Failure));
        Assert.All(programs, program => Assert.True(program.Queries > 50, $"only {program.Queries} queries"));
        Assert.All(programs, program => Assert.True(program.Changes >= 3, $"only {program.Changes} changes"));
        foreach (var program in programs)
        {
            await program.DisposeAsync();
        }

        async Task<string> VersionAsync(HttpClient client) =>
            (await StatusAsync(client)).GetProperty("current_version").GetString()!;
    }

    private static Task<JsonElement> StatusAsync(HttpClient http) =>
        http.ReadAsync($"sys/rotation/status/database/{Role}");

    /// <summary>Queries without a pause, and asks for its credential every now and then, as a program with a pool does.</summary>
    private sealed class QueryingProgram : IAsyncDisposable
    {
        private const int QueriesPerRead = 20;

        private readonly HttpClient _http;
        private readonly PostgresServer _postgres;
        private NpgsqlDataSource? _pool;
        private string _credential = "";

        public QueryingProgram(ServerProcess server, PostgresServer postgres, string? consumer)
        {
            _http = server.NewClient();
            _postgres = postgres;
            if (consumer is not null)
            {
                _http.DefaultRequestHeaders.Add("X-Mayfly-Consumer", consumer);
            }
        }

        public int Queries { get; private set; }

        public int Changes { get; private set; }

        public string Failure { get; private set; } = "";

        public async Task RunAsync(CancellationToken stop)
        {
            try
            {
                while (!stop.IsCancellationRequested)
                {
                    await ReadCredentialAsync();
                    for (var i = 0; i < QueriesPerRead; i++)
                    {
                        await using var command = _pool!.CreateCommand("SELECT 1");
                        await command.ExecuteScalarAsync(CancellationToken.None);
                        Queries++;
                    }
                }
            }
            catch (Exception e)
            {
                Failure = $"after {Queries} queries and {Changes} changes: {e.Message}";
            }
        }

        public async ValueTask DisposeAsync()
        {
            _http.Dispose();
            if (_pool is not null)
            {
                await _pool.DisposeAsync();
            }
        }

        private async Task ReadCredentialAsync()
        {
            var reply = await _http.GetFromJsonAsync<JsonElement>("database/static-creds/pool", CancellationToken.None);
            var data = reply.GetProperty("data");
            var user = data.GetProperty("username").GetString()!;
            var password = data.GetProperty("password").GetString()!;
            if (_credential == user + password)
            {
                return;
            }

            Changes += _credential.Length == 0 ? 0 : 1;
            _credential = user + password;
            var old = _pool;
            _pool = NpgsqlDataSource.Create(
                new NpgsqlConnectionStringBuilder(_postgres.ConnectionString)
                {
                    Username = user,
                    Password = password,
                    Pooling = true,
                    MaxPoolSize = 2,
                }
            );
            if (old is not null)
            {
                await old.DisposeAsync();
            }
        }
    }
}
