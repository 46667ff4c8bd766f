using System.Diagnostics;
using System.Security.Cryptography;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Sqlite;

namespace Mayfly.Benchmarks.Store;

/// <summary>What the embedded store alone can do: durable commits of one 1 KiB record, and point reads.</summary>
internal static class StoreBenchmark
{
    private const int ValueSize = 1024;
    private const int Keys = 50_000;

    /// <summary>Durable commits per second by number of callers, and reads per second.</summary>
    public sealed record Figures(
        double CommitsBy1,
        double CommitsBy16,
        double CommitsBy64,
        double Reads,
        double OpenMilliseconds
    );

    /// <param name="folder">Where the store is put; on the disk that shall be measured.</param>
    /// <param name="duration">How long each figure is measured.</param>
    /// <param name="cancellation">Ends it early.</param>
    public static async Task<Figures> RunAsync(string folder, TimeSpan duration, CancellationToken cancellation)
    {
        double[] commits;
        double reads;
        await using (var store = SqliteStore.Open(folder))
        {
            await CommitsAsync(store, 64, duration / 2, cancellation);
            commits =
            [
                await CommitsAsync(store, 1, duration, cancellation),
                await CommitsAsync(store, 16, duration, cancellation),
                await CommitsAsync(store, 64, duration, cancellation),
            ];
            reads = await ReadsAsync(store, duration, cancellation);
        }

        var start = Stopwatch.GetTimestamp();
        await using (SqliteStore.Open(folder))
        {
            var opened = Stopwatch.GetElapsedTime(start);
            return new Figures(commits[0], commits[1], commits[2], reads, opened.TotalMilliseconds);
        }
    }

    public static async Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-bench-");
        try
        {
            var figures = await RunAsync(folder.FullName, TimeSpan.FromSeconds(2), cancellation);
            return
            [
                new("store.commits.1", figures.CommitsBy1, "commits/s"),
                new("store.commits.16", figures.CommitsBy16, "commits/s"),
                new("store.commits.64", figures.CommitsBy64, "commits/s"),
                new("store.group_commit_gain", figures.CommitsBy64 / figures.CommitsBy1, "x"),
                new("store.reads", figures.Reads, "reads/s"),
                new("store.open", figures.OpenMilliseconds, "ms"),
            ];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<double> CommitsAsync(
        SqliteStore store,
        int callers,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        var value = RandomNumberGenerator.GetBytes(ValueSize);
        var done = new long[callers];
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(
            Enumerable.Range(0, callers).Select(caller => Task.Run(() => CallAsync(caller), cancellation))
        );
        return done.Sum() / Stopwatch.GetElapsedTime(start).TotalSeconds;

        async Task CallAsync(int caller)
        {
            for (var i = caller; Stopwatch.GetElapsedTime(start) < duration; i += callers)
            {
                var batch = new Batch();
                batch.Put(Key(i % Keys), value);
                var result = await store.CommitAsync(batch, cancellation);
                if (!result.Succeeded)
                {
                    throw new InvalidOperationException(result.Reason);
                }

                done[caller]++;
            }
        }
    }

    private static async Task<double> ReadsAsync(SqliteStore store, TimeSpan duration, CancellationToken cancellation)
    {
        var readers = Environment.ProcessorCount;
        var done = new long[readers];
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(
            Enumerable.Range(0, readers).Select(reader => Task.Run(() => ReadAsync(reader), cancellation))
        );
        return done.Sum() / Stopwatch.GetElapsedTime(start).TotalSeconds;

        async Task ReadAsync(int reader)
        {
            for (var i = reader; Stopwatch.GetElapsedTime(start) < duration; i += readers)
            {
                _ = await store.GetAsync(Key(i % Keys), cancellation);
                done[reader]++;
            }
        }
    }

    // As long, and as little ordered, as the encrypted names of real secrets are.
    private static StoreKey Key(int number)
    {
        Span<byte> name = stackalloc byte[32];
        SHA256.HashData(BitConverter.GetBytes(number), name);
        return StoreKey.Root.Append("logical").Append("0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f").Append(name);
    }
}
