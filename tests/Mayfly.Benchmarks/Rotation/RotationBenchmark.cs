using System.Diagnostics;
using System.Text.Json;
using Mayfly.Benchmarks.Database;
using Mayfly.Benchmarks.Http;
using Npgsql;

namespace Mayfly.Benchmarks.Rotation;

/// <summary>
/// Programs that query PostgreSQL all the time with the credential of a static role with two users: how many queries fail while
/// it is rotated again and again, and how many fewer there are than without rotations.
/// </summary>
internal static class RotationBenchmark
{
    private const int Programs = 8;
    private const int Rotations = 5;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    public static async Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-bench-").FullName;
        try
        {
            await using var postgres = await MeasuredPostgres.StartAsync(cancellation);
            await using var vault = await MeasuredVault.StartAsync(folder, audit: true, tls: null, cancellation);
            using var http = Child.Http();
            await FurnishAsync(vault, postgres, http, cancellation);

            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var programs = Enumerable
                .Range(0, Programs)
                .Select(i => new Program(vault, postgres, $"bench/{i}"))
                .ToList();
            var running = programs.Select(program => program.RunAsync(stop.Token)).ToList();
            await Task.Delay(WarmUp, cancellation);
            var calm = await RateAsync(programs, () => Task.Delay(Calm, cancellation));
            var pauses = new List<double>();
            var busy = await RateAsync(
                programs,
                async () =>
                {
                    for (var i = 0; i < Rotations; i++)
                    {
                        pauses.Add(await RotateAsync(vault, http, cancellation));
                    }
                }
            );
            await stop.CancelAsync();
            await Task.WhenAll(running);
            return
            [
                new("rotation.failed queries (goal 0)", programs.Sum(program => program.Failures), "queries"),
                new("rotation.queries while rotating", busy, "queries/s"),
                new("rotation.queries while rotating / without rotations", busy / calm, "ratio"),
                new("rotation.changes per program", programs.Average(program => program.Changes), "credentials"),
                new(
                    "rotation.from request to promotion, 2,000 ms of it for consumers",
                    pauses.Order().ElementAt(Rotations / 2),
                    "ms"
                ),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task FurnishAsync(
        MeasuredVault vault,
        MeasuredPostgres postgres,
        HttpClient http,
        CancellationToken cancellation
    )
    {
        await postgres.ExecuteAsync("CREATE ROLE bench_a LOGIN; CREATE ROLE bench_b LOGIN", cancellation);
        await PostAsync("sys/mounts/database", new { type = "database" });
        await PostAsync(
            "database/config/db",
            new
            {
                plugin_name = "postgresql-database-plugin",
                connection_url = $"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{postgres.Port}/postgres",
                allowed_roles = "*",
                username = MeasuredPostgres.Admin,
                password = MeasuredPostgres.Password,
            }
        );
        await PostAsync(
            "database/static-roles/bench",
            new
            {
                db_name = "db",
                username = "bench_a",
                second_username = "bench_b",
                rotation_period = "24h",
                // Just started, the server waits all of it: it may not have heard of every consumer yet.
                consumer_wait = "2s",
                retire_after = "1s",
            }
        );

        async Task PostAsync(string path, object body) =>
            await vault.CallAsync(http, HttpMethod.Post, $"/v1/{path}", body, cancellation);
    }

    /// <summary>Rotates, and waits until the old credential has ended; gives the milliseconds until the promotion.</summary>
    private static async Task<double> RotateAsync(MeasuredVault vault, HttpClient http, CancellationToken cancellation)
    {
        var before = (await StatusAsync()).GetProperty("current_version").GetString();
        var start = Stopwatch.GetTimestamp();
        await vault.CallAsync(
            http,
            HttpMethod.Post,
            "/v1/sys/rotation/rotate/database/static-roles/bench",
            new { },
            cancellation
        );
        var promoted = 0.0;
        while (true)
        {
            var status = await StatusAsync();
            if (promoted == 0 && status.GetProperty("current_version").GetString() != before)
            {
                promoted = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }

            if (promoted > 0 && status.GetProperty("step").GetString() == "idle")
            {
                return promoted;
            }

            await Task.Delay(Poll, cancellation);
        }

        async Task<JsonElement> StatusAsync() =>
            (
                await vault.CallAsync(
                    http,
                    HttpMethod.Get,
                    "/v1/sys/rotation/status/database/static-roles/bench",
                    body: null,
                    cancellation
                )
            ).GetProperty("data");
    }

    private static async Task<double> RateAsync(IReadOnlyList<Program> programs, Func<Task> meanwhile)
    {
        var before = programs.Sum(program => program.Queries);
        var start = Stopwatch.GetTimestamp();
        await meanwhile();
        return (programs.Sum(program => program.Queries) - before) / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Queries without a pause; every second one says who it is.</summary>
    private sealed class Program(MeasuredVault vault, MeasuredPostgres postgres, string name)
    {
        private const int QueriesPerRead = 50;

        private readonly bool _isConsumer = name[^1] % 2 == 0;
        private NpgsqlDataSource? _pool;
        private string _credential = "";
        private long _queries;

        public long Queries => Volatile.Read(ref _queries);

        public int Failures { get; private set; }

        public int Changes { get; private set; }

        public async Task RunAsync(CancellationToken stop)
        {
            using var http = Child.Http();
            if (_isConsumer)
            {
                http.DefaultRequestHeaders.Add("X-Mayfly-Consumer", name);
            }

            while (!stop.IsCancellationRequested)
            {
                await ReadCredentialAsync(http);
                for (var i = 0; i < QueriesPerRead; i++)
                {
                    try
                    {
                        await using var command = _pool!.CreateCommand("SELECT 1");
                        await command.ExecuteScalarAsync(CancellationToken.None);
                        Volatile.Write(ref _queries, _queries + 1);
                    }
                    catch (NpgsqlException)
                    {
                        Failures++;
                    }
                }
            }

            await _pool!.DisposeAsync();
        }

        private async Task ReadCredentialAsync(HttpClient http)
        {
            var reply = await vault.CallAsync(
                http,
                HttpMethod.Get,
                "/v1/database/static-creds/bench",
                body: null,
                CancellationToken.None
            );
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
                new NpgsqlConnectionStringBuilder
                {
                    Host = "127.0.0.1",
                    Port = postgres.Port,
                    Username = user,
                    Password = password,
                    Database = "postgres",
                    MaxPoolSize = 4,
                }
            );
            if (old is not null)
            {
                await old.DisposeAsync();
            }
        }
    }
}
