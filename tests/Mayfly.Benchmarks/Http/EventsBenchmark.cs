using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mayfly.Benchmarks.Http;

/// <summary>
/// Change events: from a KV write that is sent to the event at the last of 1,000 subscribers, in another process over 1,000
/// connections; and what subscribers cost those who write, beside the same server with none.
/// </summary>
internal static class EventsBenchmark
{
    private const int Subscribers = 1_000;
    private const int Changes = 200;
    private const int Rounds = 3;
    private const int Seconds = 4;

    public static async Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-bench-").FullName;
        try
        {
            await using var vault = await MeasuredVault.StartAsync(folder, audit: true, tls: null, cancellation);
            var figures = new List<Figure>();
            using var http = Child.Http();
            var token = await ListenerAsync(vault, http, cancellation);
            var before = vault.Child.ResidentMebibytes;
            await using (var crowd = await Crowd.JoinAsync(vault, token, Subscribers, "", cancellation))
            {
                var (first, last) = await ChangesAsync(vault, http, crowd, cancellation);
                figures.Add(new("events.first.p50", At(first, 0.50), "ms from the write to the first of 1,000"));
                figures.Add(new("events.last.p50", At(last, 0.50), "ms from the write to the last of 1,000"));
                figures.Add(
                    new("events.last.p99 (goal < 1000)", At(last, 0.99), "ms from the write to the last of 1,000")
                );
                figures.Add(new("events.last.max (goal < 1000)", last[^1], "ms from the write to the last of 1,000"));
                figures.Add(new("events.memory", vault.Child.ResidentMebibytes - before, "MiB for 1,000 subscribers"));
            }

            await WritesAsync(vault, token, figures, cancellation);
            return figures;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>An ordinary token with 22 policy rules: each event is judged by them for each subscriber.</summary>
    private static async Task<string> ListenerAsync(
        MeasuredVault vault,
        HttpClient http,
        CancellationToken cancellation
    )
    {
        const string Policy = "path \"sys/events/subscribe/*\" { capabilities = [\"read\"] }";
        await vault.CallAsync(
            http,
            HttpMethod.Put,
            "/v1/sys/policies/acl/listener",
            new { policy = Policy },
            cancellation
        );
        var made = await vault.CallAsync(
            http,
            HttpMethod.Post,
            "/v1/auth/token/create",
            new { policies = new[] { "bench", "listener" }, no_default_policy = true },
            cancellation
        );
        return made.GetProperty("auth").GetProperty("client_token").GetString()!;
    }

    private static async Task<(List<double> First, List<double> Last)> ChangesAsync(
        MeasuredVault vault,
        HttpClient http,
        Crowd crowd,
        CancellationToken cancellation
    )
    {
        var first = new List<double>();
        var last = new List<double>();
        for (var i = -20; i < Changes; i++)
        {
            crowd.Begin();
            var start = Stopwatch.GetTimestamp();
            await vault.CallAsync(
                http,
                HttpMethod.Post,
                "/v1/secret/data/team/watched",
                new { data = new { value = "new" } },
                cancellation
            );
            var (firstAt, lastAt) = await crowd.EveryoneAsync(cancellation);
            // The first ones warm up: the runtime compiles what is hot.
            if (i >= 0)
            {
                first.Add(Stopwatch.GetElapsedTime(start, firstAt).TotalMilliseconds);
                last.Add(Stopwatch.GetElapsedTime(start, lastAt).TotalMilliseconds);
            }
        }

        first.Sort();
        last.Sort();
        return (first, last);
    }

    /// <summary>
    /// Writes at full speed: alone; with one subscriber to all of it; with 1,000 subscribers of whom none is concerned.
    /// </summary>
    private static async Task WritesAsync(
        MeasuredVault vault,
        string token,
        List<Figure> figures,
        CancellationToken cancellation
    )
    {
        var script = $$$"""
            wrk.method = 'POST'
            wrk.headers['X-Vault-Token'] = '{{{vault.Token}}}'
            local n = 0
            request = function()
              n = n + 1
              return wrk.format(nil, '/v1/secret/data/bench/' .. (n % 1000), nil, '{"data":{"k":"v"}}')
            end
            """;
        var alone = new List<double>();
        var heard = new List<double>();
        var unconcerned = new List<double>();
        for (var round = -1; round < Rounds; round++)
        {
            await MeasureAsync(alone);
            await using (await Crowd.JoinAsync(vault, token, 1, "", cancellation))
            {
                await MeasureAsync(heard);
            }

            const string Nothing = "?filter=data_path%20%3D%3D%20none";
            await using (await Crowd.JoinAsync(vault, token, Subscribers, Nothing, cancellation))
            {
                await MeasureAsync(unconcerned);
            }

            async Task MeasureAsync(List<double> rates)
            {
                var wrk = await Wrk.RunAsync(vault.Address, Seconds, script, cancellation);
                if (wrk.Failures > 0)
                {
                    throw new InvalidOperationException($"{wrk.Failures} of {wrk.Requests} writes failed");
                }

                if (round >= 0)
                {
                    rates.Add(wrk.PerSecond);
                }
            }
        }

        figures.Add(new("events.write.alone", Median(alone), "writes/s"));
        figures.Add(new("events.write.heard / alone", Median(heard) / Median(alone), "ratio, one subscriber to all"));
        figures.Add(
            new(
                "events.write.crowd / alone",
                Median(unconcerned) / Median(alone),
                "ratio, 1,000 whom it does not concern"
            )
        );
    }

    private static double At(List<double> sorted, double quantile) => sorted[(int)(quantile * (sorted.Count - 1))];

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>
    /// Subscribers over plain sockets, so that what is measured is the server rather than a thousand clients' parsers.
    /// </summary>
    private sealed class Crowd : IAsyncDisposable
    {
        private readonly List<Socket> _sockets = [];
        private readonly CancellationTokenSource _leave = new();
        private readonly List<Task> _listening = [];
        private TaskCompletionSource<(long First, long Last)> _everyone = new();
        private int _waiting;
        private long _first;

        public static async Task<Crowd> JoinAsync(
            MeasuredVault vault,
            string token,
            int count,
            string query,
            CancellationToken cancellation
        )
        {
            var crowd = new Crowd();
            var address = new Uri(vault.Address);
            var request = Encoding.ASCII.GetBytes(
                $"GET /v1/sys/events/subscribe/kv-v2/data-write{query} HTTP/1.1\r\nHost: bench\r\n"
                    + $"Accept: text/event-stream\r\nX-Vault-Token: {token}\r\n\r\n"
            );
            for (var i = 0; i < count; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                crowd._sockets.Add(socket);
                await socket.ConnectAsync(IPAddress.Loopback, address.Port, cancellation);
                await socket.SendAsync(request, cancellation);
                await ReadUntilAsync(socket, "subscribed"u8.ToArray(), cancellation);
                crowd._listening.Add(crowd.ListenAsync(socket));
            }

            return crowd;
        }

        public void Begin()
        {
            _everyone = new TaskCompletionSource<(long First, long Last)>(
                TaskCreationOptions.RunContinuationsAsynchronously
            );
            Volatile.Write(ref _first, 0);
            Volatile.Write(ref _waiting, _sockets.Count);
        }

        public Task<(long First, long Last)> EveryoneAsync(CancellationToken cancellation) =>
            _everyone.Task.WaitAsync(TimeSpan.FromSeconds(30), cancellation);

        public async ValueTask DisposeAsync()
        {
            await _leave.CancelAsync();
            await Task.WhenAll(_listening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var socket in _sockets)
            {
                socket.Dispose();
            }

            _leave.Dispose();
        }

        private async Task ListenAsync(Socket socket)
        {
            var buffer = new byte[16_384];
            while (true)
            {
                var length = await socket.ReceiveAsync(buffer, _leave.Token);
                if (length == 0)
                {
                    return;
                }

                if (buffer.AsSpan(0, length).IndexOf("event: kv-v2/data-write"u8) < 0)
                {
                    continue;
                }

                var now = Stopwatch.GetTimestamp();
                Interlocked.CompareExchange(ref _first, now, 0);
                if (Interlocked.Decrement(ref _waiting) == 0)
                {
                    _everyone.TrySetResult((Volatile.Read(ref _first), now));
                }
            }
        }

        private static async Task ReadUntilAsync(Socket socket, byte[] mark, CancellationToken cancellation)
        {
            var seen = new List<byte>();
            var buffer = new byte[1_024];
            while (System.Runtime.InteropServices.CollectionsMarshal.AsSpan(seen).IndexOf(mark) < 0)
            {
                var length = await socket.ReceiveAsync(buffer, cancellation);
                if (length == 0)
                {
                    throw new InvalidOperationException("the server refuses a subscription");
                }

                seen.AddRange(buffer.AsSpan(0, length));
            }
        }
    }
}
