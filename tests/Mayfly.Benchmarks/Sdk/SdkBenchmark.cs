using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Mayfly.Benchmarks.Http;
using Mayfly.Client;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Benchmarks.Sdk;

/// <summary>
/// The SDK: reading a secret that is there; a thousand secrets kept fresh under one identity; a thousand programs that hear of
/// one change. The last two over a real server and the real client.
/// </summary>
internal static class SdkBenchmark
{
    private const int Count = 1_000;
    private const int Changes = 20;
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(30);

    public static async Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation)
    {
        var figures = new List<Figure>(WarmRead.Measure());
        var folder = Directory.CreateTempSubdirectory("mayfly-bench-").FullName;
        try
        {
            await using var vault = await MeasuredVault.StartAsync(folder, audit: true, tls: null, cancellation);
            await RefreshAsync(vault, figures, cancellation);
            await HearAsync(vault, figures, cancellation);
            return figures;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>From the first reads of all to the end of their first refreshes.</summary>
    private static async Task RefreshAsync(MeasuredVault vault, List<Figure> figures, CancellationToken cancellation)
    {
        using var http = Child.Http();
        for (var i = 0; i < Count; i++)
        {
            await WriteAsync(vault, http, $"/v1/secret/data/sdk/{i}", "first", cancellation);
        }

        using var client = new MayflyClient(
            new MayflyClientOptions { Address = vault.Address, Token = vault.RootToken }
        );
        var source = new WatchedSource(new MayflySecretSource(client));
        await using var secrets = new LiveSecrets(source, new LiveSecretsOptions { Ttl = Ttl, Watch = false });
        var begin = Stopwatch.GetTimestamp();
        await Task.WhenAll(
            Enumerable.Range(0, Count).Select(i => secrets.GetAsync($"secret/data/sdk/{i}", cancellation).AsTask())
        );
        var warm = Stopwatch.GetElapsedTime(begin);
        var first = source.Began.Count;
        // The window is from 60 % to 70 % of the TTL, each from the begin of its own first read.
        await Task.Delay((Ttl * 0.7) + warm - Stopwatch.GetElapsedTime(begin) + TimeSpan.FromSeconds(1), cancellation);
        var refreshes = source
            .Began.Skip(first)
            .Select(at => Stopwatch.GetElapsedTime(begin, at).TotalSeconds)
            .Order()
            .ToList();
        var window = Ttl.TotalSeconds * 0.1;
        var perTenth = refreshes.GroupBy(at => (int)((at - refreshes[0]) / (window / 10))).Max(group => group.Count());
        figures.Add(new("sdk.refresh.first", warm.TotalMilliseconds, $"ms until {Count} secrets are there"));
        figures.Add(new("sdk.refresh.requests", refreshes.Count, $"requests to refresh {Count} secrets once"));
        figures.Add(new("sdk.refresh.most-of-one (goal <= 2)", source.MostOfOne, "in flight for one secret"));
        figures.Add(new("sdk.refresh.most", source.Most, "in flight for all"));
        figures.Add(new("sdk.refresh.spread", refreshes[^1] - refreshes[0], $"s, in a window of {window} s"));
        figures.Add(new("sdk.refresh.busiest", perTenth / (Count / 10.0), "times the even share in the busiest tenth"));
    }

    /// <summary>A thousand programs, each with a client and a subscription of its own: from the write to the last one's new value.</summary>
    private static async Task HearAsync(MeasuredVault vault, List<Figure> figures, CancellationToken cancellation)
    {
        const string Name = "secret/data/sdk/heard";
        using var http = Child.Http();
        await WriteAsync(vault, http, "/v1/" + Name, "0", cancellation);
        var clients = new List<MayflyClient>();
        var programs = new List<LiveSecrets>();
        try
        {
            for (var i = 0; i < Count; i++)
            {
                clients.Add(
                    new MayflyClient(new MayflyClientOptions { Address = vault.Address, Token = vault.RootToken })
                );
                programs.Add(
                    new LiveSecrets(
                        new MayflySecretSource(
                            clients[i],
                            new MayflySecretSourceOptions { EventTypes = "kv-v2/data-write" }
                        ),
                        new LiveSecretsOptions { Ttl = TimeSpan.FromHours(1), LostSpread = TimeSpan.FromSeconds(1) }
                    )
                );
                await programs[i].GetAsync(Name, cancellation);
            }

            while (!programs.TrueForAll(program => program.IsWatching))
            {
                await Task.Delay(100, cancellation);
            }

            // What is read again because the listening began is over by then.
            await Task.Delay(TimeSpan.FromSeconds(3), cancellation);
            var last = new List<double>();
            for (var i = -3; i < Changes; i++)
            {
                var all = programs
                    .Select(program => program.Get(Name))
                    .Select(secret => secret.WaitForChangeAsync(secret.Current, cancellation))
                    .ToList();
                var begin = Stopwatch.GetTimestamp();
                await WriteAsync(vault, http, "/v1/" + Name, $"value {i}", cancellation);
                await Task.WhenAll(all);
                // The first ones warm up: the runtime compiles what is hot.
                if (i >= 0)
                {
                    last.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
                }
            }

            last.Sort();
            figures.Add(
                new(
                    "sdk.change.last.p50 (goal < 1000)",
                    last[last.Count / 2],
                    $"ms from a write to the value at the last of {Count}"
                )
            );
            figures.Add(
                new(
                    "sdk.change.last.max (goal < 1000)",
                    last[^1],
                    $"ms from a write to the value at the last of {Count}"
                )
            );
        }
        finally
        {
            foreach (var program in programs)
            {
                await program.DisposeAsync();
            }

            clients.ForEach(client => client.Dispose());
        }
    }

    private static Task<JsonElement> WriteAsync(
        MeasuredVault vault,
        HttpClient http,
        string path,
        string value,
        CancellationToken cancellation
    ) => vault.CallAsync(http, HttpMethod.Post, path, new { data = new { value } }, cancellation);

    /// <summary>Counts what is under way.</summary>
    private sealed class WatchedSource(ISecretSource source) : ISecretSource
    {
        private readonly ConcurrentDictionary<string, int> _ofOne = new(StringComparer.Ordinal);
        private readonly Lock _gate = new();
        private int _all;

        public string Id => source.Id;

        /// <summary>When each read began.</summary>
        public ConcurrentQueue<long> Began { get; } = [];

        public int MostOfOne { get; private set; }

        public int Most { get; private set; }

        public async Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken)
        {
            Began.Enqueue(Stopwatch.GetTimestamp());
            lock (_gate)
            {
                Most = Math.Max(Most, ++_all);
                MostOfOne = Math.Max(MostOfOne, _ofOne.AddOrUpdate(name, 1, static (_, count) => count + 1));
            }

            try
            {
                return await source.FetchAsync(name, cancellationToken);
            }
            finally
            {
                lock (_gate)
                {
                    _all--;
                    _ofOne[name]--;
                }
            }
        }
    }
}
