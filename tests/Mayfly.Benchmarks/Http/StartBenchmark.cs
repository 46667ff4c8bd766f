using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Mayfly.Core;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage.Sqlite;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mayfly.Benchmarks.Http;

/// <summary>
/// From starting the process to the first secret read, on a store with 100,000 secrets and 165,000 tokens that expire; and
/// the start of the command line.
/// </summary>
internal static class StartBenchmark
{
    private const int Secrets = 100_000;
    private const int Tokens = 165_000;
    private const int Callers = 64;
    private const int Rounds = 5;

    public static async Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-bench-").FullName;
        try
        {
            var small = Path.Combine(folder, "small");
            var large = Path.Combine(folder, "large");
            var keysOfSmall = await FillAsync(small, 10, 10, cancellation);
            var keysOfLarge = await FillAsync(large, Secrets, Tokens, cancellation);
            var (smallStart, smallMemory) = await MeasureAsync(small, keysOfSmall, cancellation);
            var (largeStart, largeMemory) = await MeasureAsync(large, keysOfLarge, cancellation);
            return
            [
                new("start.small", smallStart, "ms to the first secret"),
                new("start.large (goal < 1000)", largeStart, "ms to the first secret"),
                new("start.large / start.small", largeStart / smallStart, "ratio"),
                new("start.small.memory", smallMemory, "MiB"),
                new("start.large.memory", largeMemory, "MiB"),
                new("cli.version (goal < 60)", await CliAsync(cancellation), "ms"),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<double> CliAsync(CancellationToken cancellation)
    {
        var program = Path.Combine(Path.GetDirectoryName(MeasuredVault.Program)!, "mayfly");
        var times = new List<double>();
        for (var i = 0; i < 11; i++)
        {
            var start = Stopwatch.GetTimestamp();
            using var process = Process.Start(
                new ProcessStartInfo(program, ["version"]) { UseShellExecute = false, RedirectStandardOutput = true }
            )!;
            await process.WaitForExitAsync(cancellation);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        return times.Order().ElementAt(times.Count / 2);
    }

    public static async Task<(double Milliseconds, double Mebibytes)> MeasureAsync(
        string folder,
        (string Key, string Token) keys,
        CancellationToken cancellation
    )
    {
        using var http = Child.Http();
        var times = new List<double>();
        var memory = 0.0;
        for (var round = 0; round < Rounds; round++)
        {
            var port = Child.FreePort();
            var address = $"http://127.0.0.1:{port}";
            var configuration = await MeasuredVault.WriteConfigurationAsync(folder, port, tls: null, cancellation);
            var start = Stopwatch.GetTimestamp();
            await using var child = await Child.StartAsync(
                MeasuredVault.Program,
                [$"-config={configuration}"],
                address,
                "/v1/sys/health",
                cancellation
            );
            using var unseal = new StringContent($$"""{"key":"{{keys.Key}}"}""", Encoding.UTF8, "application/json");
            using var unsealed = await http.PutAsync(new Uri(address + "/v1/sys/unseal"), unseal, cancellation);
            using var request = new HttpRequestMessage(HttpMethod.Get, address + "/v1/secret/data/s/1");
            request.Headers.Add("X-Vault-Token", keys.Token);
            using var reply = await http.SendAsync(request, cancellation);
            reply.EnsureSuccessStatusCode();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            memory = child.ResidentMebibytes;
            await child.StopAsync(cancellation);
        }

        return (times.Order().ElementAt(Rounds / 2), memory);
    }

    /// <summary>Fills a store in this process, through the same requests that clients send.</summary>
    private static async Task<(string Key, string Token)> FillAsync(
        string folder,
        int secrets,
        int tokens,
        CancellationToken cancellation
    )
    {
        Directory.CreateDirectory(folder);
        await using var store = SqliteStore.Open(Path.Combine(folder, "data"));
        await using var vault = await Vault.LoadAsync(
            new VaultOptions { Version = "bench" },
            store,
            seal: null,
            TimeProvider.System,
            NullLoggerFactory.Instance,
            _ => null,
            cancellation
        );
        var made = await CallAsync(vault, "sys/init", "", """{"secret_shares":1,"secret_threshold":1}""", cancellation);
        var root = made.GetProperty("root_token").GetString()!;
        var key = made.GetProperty("keys_base64")[0].GetString()!;
        await CallAsync(vault, "sys/unseal", "", $$"""{"key":"{{key}}"}""", cancellation);
        await CallAsync(vault, "sys/mounts/secret", root, """{"type":"kv-v2"}""", cancellation);
        await ManyAsync(
            secrets,
            i =>
                CallAsync(
                    vault,
                    $"secret/data/s/{i}",
                    root,
                    $$$"""{"data":{"password":"value of secret number {{{i}}}"}}""",
                    cancellation
                )
        );
        await ManyAsync(
            tokens,
            _ =>
                CallAsync(
                    vault,
                    "auth/token/create-orphan",
                    root,
                    """{"ttl":"700h","policies":["default"]}""",
                    cancellation
                )
        );
        return (key, root);
    }

    private static Task ManyAsync(int count, Func<int, Task> call)
    {
        var next = 0;
        return Task.WhenAll(
            Enumerable
                .Range(0, Callers)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        for (var i = Interlocked.Increment(ref next); i <= count; i = Interlocked.Increment(ref next))
                        {
                            await call(i);
                        }
                    })
                )
        );
    }

    private static async Task<JsonElement> CallAsync(
        Vault vault,
        string path,
        string token,
        string body,
        CancellationToken cancellation
    )
    {
        using var request = new Request
        {
            Id = "bench",
            Operation = Operation.Update,
            Path = path,
            Token = token,
            Body = SecretBytes.CopyOf(Encoding.UTF8.GetBytes(body)),
        };
        var outcome = await vault.HandleAsync(request, cancellation);
        if (outcome.Fault is { } fault)
        {
            throw new InvalidOperationException($"{path}: {string.Join("; ", fault.Messages)}");
        }

        using var response = outcome.Response!;
        return response.Data.IsEmpty ? default : JsonDocument.Parse(response.Data.ToArray()).RootElement;
    }
}
