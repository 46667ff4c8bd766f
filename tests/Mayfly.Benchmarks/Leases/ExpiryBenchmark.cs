using System.Diagnostics;
using Mayfly.Core.Pipeline;

namespace Mayfly.Benchmarks.Leases;

/// <summary>Expiry of 100,000 leases at once, durably, and what reads feel of it.</summary>
internal static class ExpiryBenchmark
{
    private const int Due = 100_000;

    public static async Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-bench-").FullName;
        try
        {
            return await ExpireAsync(folder, cancellation);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<IReadOnlyList<Figure>> ExpireAsync(string folder, CancellationToken cancellation)
    {
        await using var vault = await FilledVault.StartAsync(folder, cancellation);

        // Once to warm up.
        await vault.FillAsync(Due / 10, TimeSpan.FromHours(1), cancellation);
        vault.Time.Advance(TimeSpan.FromHours(1));
        await vault.Vault.RunDueAsync(cancellation);

        await vault.FillAsync(Due, TimeSpan.FromHours(1), cancellation);
        vault.Time.Advance(TimeSpan.FromHours(1));
        var start = Stopwatch.GetTimestamp();
        var worked = Environment.CpuUsage.TotalTime;
        await vault.Vault.RunDueAsync(cancellation);
        var alone = Due / Stopwatch.GetElapsedTime(start).TotalSeconds;
        var cpu = (Environment.CpuUsage.TotalTime - worked).TotalMicroseconds / Due;

        var idle = await ReadsAsync(vault, Task.Delay(TimeSpan.FromSeconds(4), cancellation), cancellation);
        await vault.FillAsync(Due, TimeSpan.FromHours(1), cancellation);
        vault.Time.Advance(TimeSpan.FromHours(1));
        start = Stopwatch.GetTimestamp();
        var expiry = Task.Run(() => vault.Vault.RunDueAsync(cancellation), cancellation);
        var busy = await ReadsAsync(vault, expiry, cancellation);
        var together = Due / Stopwatch.GetElapsedTime(start).TotalSeconds;
        var left = await vault.CallAsync(Operation.Read, "sys/leases/count", "", cancellation);
        return left.GetProperty("lease_count").GetInt64() > 0
            ? throw new InvalidOperationException("not everything has expired")
            :
            [
                new("leases.expired (goal > 30,000)", alone, "leases/s"),
                new("leases.expired.cpu", cpu, "µs/lease"),
                new("leases.expired beside reads", together, "leases/s"),
                new("leases.read.p99 idle", idle, "µs"),
                new("leases.read.p99 during expiry", busy, "µs"),
                new("leases.read.p99 during / idle (goal < 2)", busy / idle, "ratio"),
            ];
    }

    /// <summary>The 99th percentile of a steady stream of reads, as long as <paramref name="during"/> runs.</summary>
    private static async Task<double> ReadsAsync(FilledVault vault, Task during, CancellationToken cancellation)
    {
        var times = new List<double>();
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        while (!during.IsCompleted && await beat.WaitForNextTickAsync(cancellation))
        {
            for (var i = 0; i < 4; i++)
            {
                var start = Stopwatch.GetTimestamp();
                await vault.CallAsync(Operation.Read, "secret/data/s/1", "", cancellation);
                times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            }
        }

        await during;
        return times.Order().ElementAt(times.Count * 99 / 100);
    }
}
