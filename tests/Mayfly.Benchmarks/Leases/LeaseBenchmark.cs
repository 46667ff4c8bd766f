using System.Diagnostics;
using Mayfly.Benchmarks.Http;
using Mayfly.Core.Pipeline;

namespace Mayfly.Benchmarks.Leases;

/// <summary>The start with a million leases, and how soon revoking a prefix of 100,000 tokens takes effect.</summary>
internal static class LeaseBenchmark
{
    private const int Tokens = 100_000;
    private const int Stored = 1_000_000;
    private const int Callers = 64;

    public static async Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-bench-").FullName;
        try
        {
            return
            [
                .. await PrefixAsync(Path.Combine(folder, "prefix"), cancellation),
                .. await StartAsync(folder, cancellation),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<IReadOnlyList<Figure>> PrefixAsync(string folder, CancellationToken cancellation)
    {
        await using var vault = await FilledVault.StartAsync(folder, cancellation);
        var token = "";
        var next = 0;
        await Task.WhenAll(
            Enumerable
                .Range(0, Callers)
                .Select(_ =>
                    Task.Run(
                        async () =>
                        {
                            while (Interlocked.Increment(ref next) <= Tokens)
                            {
                                var made = await FilledVault.SendAsync(
                                    vault.Vault,
                                    Operation.Update,
                                    "auth/token/create-orphan",
                                    vault.Root,
                                    """{"ttl":"700h","policies":["default"]}""",
                                    cancellation
                                );
                                Volatile.Write(ref token, made.Response!.Auth!.Token);
                            }
                        },
                        cancellation
                    )
                )
        );

        // Once to warm up.
        await vault.CallAsync(Operation.Update, "sys/leases/revoke-prefix/auth/token/none", "", cancellation);
        await LookAsync(succeeds: true);
        var start = Stopwatch.GetTimestamp();
        await vault.CallAsync(Operation.Update, "sys/leases/revoke-prefix/auth/token/create-orphan", "", cancellation);
        await LookAsync(succeeds: false);
        var effect = Stopwatch.GetElapsedTime(start);
        await vault.Vault.RunDueAsync(cancellation);
        var cleaned = Stopwatch.GetElapsedTime(start);
        return
        [
            new("leases.revoke_prefix.effect (goal < 50)", effect.TotalMilliseconds, "ms"),
            new("leases.revoke_prefix.cleaned", Tokens / cleaned.TotalSeconds, "tokens/s"),
        ];

        async Task LookAsync(bool succeeds)
        {
            var look = await FilledVault.SendAsync(
                vault.Vault,
                Operation.Read,
                "auth/token/lookup-self",
                token,
                "",
                cancellation
            );
            if (look.Succeeded != succeeds)
            {
                throw new InvalidOperationException("revoking the prefix did not take effect at once");
            }
        }
    }

    private static async Task<IReadOnlyList<Figure>> StartAsync(string folder, CancellationToken cancellation)
    {
        var (smallStart, smallMemory) = await StartAsync(Path.Combine(folder, "small"), 10, cancellation);
        var (largeStart, largeMemory) = await StartAsync(Path.Combine(folder, "large"), Stored, cancellation);
        return
        [
            new("leases.start.10", smallStart, "ms to the first secret"),
            new("leases.start.1000000", largeStart, "ms to the first secret"),
            new("leases.start ratio (goal < 1.2)", largeStart / smallStart, "ratio"),
            new("leases.start.memory.10", smallMemory, "MiB"),
            new("leases.start.memory.1000000", largeMemory, "MiB"),
            new("leases.start.memory ratio (goal < 1.2)", largeMemory / smallMemory, "ratio"),
        ];
    }

    private static async Task<(double Milliseconds, double Mebibytes)> StartAsync(
        string folder,
        int leases,
        CancellationToken cancellation
    )
    {
        (string Key, string Token) keys;
        await using (var vault = await FilledVault.StartAsync(folder, cancellation))
        {
            await vault.FillAsync(leases, TimeSpan.FromHours(700), cancellation);
            keys = (vault.Key, vault.Root);
        }

        return await StartBenchmark.MeasureAsync(folder, keys, cancellation);
    }
}
