using System.Text.Json;

namespace Mayfly.Benchmarks.Http;

/// <summary>
/// What rate limits cost: audited KV reads without one, with one that allows them, and with one that refuses them, in turns
/// on the same server.
/// </summary>
internal static class QuotaBenchmark
{
    private const int Rounds = 3;
    private const int Seconds = 4;
    private const string Quota = "/v1/sys/quotas/rate-limit/bench";

    public static async Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-bench-").FullName;
        try
        {
            await using var vault = await MeasuredVault.StartAsync(
                Path.Combine(folder, "q"),
                audit: true,
                tls: null,
                cancellation
            );
            using var http = Child.Http();
            List<double> without = [];
            List<double> allowed = [];
            List<double> refused = [];
            for (var round = -1; round < Rounds; round++)
            {
                await vault.CallAsync(http, HttpMethod.Delete, Quota, body: null, cancellation);
                without.Add(await ReadAsync(vault, refuses: false, cancellation));
                await LimitAsync(vault, http, rate: 1_000_000_000, cancellation);
                allowed.Add(await ReadAsync(vault, refuses: false, cancellation));
                await LimitAsync(vault, http, rate: 1, cancellation);
                refused.Add(await ReadAsync(vault, refuses: true, cancellation));
            }

            return
            [
                new("quota.read", Median(allowed), "requests/s"),
                new("quota.read / read without quotas (goal >= 0.95)", Median(allowed) / Median(without), "ratio"),
                new("quota.refused", Median(refused), "requests/s"),
                new("quota.refused / read without quotas", Median(refused) / Median(without), "ratio"),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task<JsonElement> LimitAsync(
        MeasuredVault vault,
        HttpClient http,
        long rate,
        CancellationToken cancellation
    ) => vault.CallAsync(http, HttpMethod.Put, Quota, new { rate, path = "secret" }, cancellation);

    private static async Task<double> ReadAsync(MeasuredVault vault, bool refuses, CancellationToken cancellation)
    {
        var script = Wrk.Get(vault.Token);
        var wrk = await Wrk.RunAsync(vault.Address + MeasuredVault.SecretPath, Seconds, script, cancellation);
        // One in a second is let through, and what there was when the limit was set.
        var expected = refuses ? wrk.Failures >= wrk.Requests - Seconds - 2 : wrk.Failures == 0;
        return expected && wrk.Requests > 0
            ? wrk.PerSecond
            : throw new InvalidOperationException($"{wrk.Failures} of {wrk.Requests} requests failed");
    }

    /// <summary>The first round warms up: the runtime compiles what is hot.</summary>
    private static double Median(List<double> runs) => runs.Skip(1).Order().ElementAt(Rounds / 2);
}
