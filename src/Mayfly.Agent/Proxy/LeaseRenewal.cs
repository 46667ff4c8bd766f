using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Threading.Channels;
using Mayfly.Agent.Telemetry;
using Mayfly.Client;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Proxy;

/// <summary>
/// Keeps what the cache has handed out alive: leases and tokens are renewed at two thirds of their life, and evicted when that
/// is refused, when they cannot be renewed and are near their end, or at their maximum. One loop, few renewals at a time.
/// </summary>
internal sealed class LeaseRenewal(
    MayflyClient client,
    ResponseCache cache,
    AgentMetrics metrics,
    ILogger log,
    TimeProvider time
)
{
    private const int AtATime = 8;

    // Of a life, when what cannot be renewed is let go: whoever asks then gets one with a whole life.
    private const double EndOfLife = 0.9;
    private static readonly TimeSpan RetryWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestSleep = TimeSpan.FromDays(20);

    private readonly Channel<CachedResponse> _added = Channel.CreateUnbounded<CachedResponse>(
        new UnboundedChannelOptions { SingleReader = true }
    );

    private readonly PriorityQueue<CachedResponse, long> _due = new();

    /// <summary>Takes care of a response from now on.</summary>
    public void Attend(CachedResponse response) => _added.Writer.TryWrite(response);

    /// <summary>Runs until <paramref name="cancellation"/> ends.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            while (_added.Reader.TryRead(out var added))
            {
                Schedule(added, FirstWait(added));
            }

            var ready = new List<CachedResponse>();
            var now = time.GetTimestamp();
            while (ready.Count < AtATime && _due.TryPeek(out var next, out var at) && (at <= now || next.IsEvicted))
            {
                _due.Dequeue();
                if (!next.IsEvicted)
                {
                    ready.Add(next);
                }
            }

            if (ready.Count > 0)
            {
                var waits = await Task.WhenAll(ready.Select(each => AttendAsync(each, cancellation)));
                for (var i = 0; i < ready.Count; i++)
                {
                    if (waits[i] is { } wait)
                    {
                        Schedule(ready[i], wait);
                    }
                }

                continue;
            }

            await SleepAsync(cancellation);
        }
    }

    private void Schedule(CachedResponse response, TimeSpan wait) =>
        _due.Enqueue(response, time.GetTimestamp() + (long)(Math.Max(0, wait.TotalSeconds) * time.TimestampFrequency));

    private async Task SleepAsync(CancellationToken cancellation)
    {
        var sleep = LongestSleep;
        if (_due.TryPeek(out _, out var at))
        {
            var left = TimeSpan.FromSeconds((at - time.GetTimestamp()) / (double)time.TimestampFrequency);
            sleep =
                left < TimeSpan.Zero ? TimeSpan.Zero
                : left < LongestSleep ? left
                : LongestSleep;
        }

        using var wake = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var woken = _added.Reader.WaitToReadAsync(wake.Token).AsTask();
        var slept = Task.Delay(sleep, time, wake.Token);
        await Task.WhenAny(woken, slept);
        await wake.CancelAsync();
        await ((Task)woken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static TimeSpan FirstWait(CachedResponse response) =>
        response.IsRenewable ? Jittered(response.LeaseDuration) : response.LeaseDuration * EndOfLife;

    /// <summary>Two thirds, and up to a tenth of that earlier.</summary>
    private static TimeSpan Jittered(TimeSpan duration) =>
        duration * (2.0 / 3 * (1 - RandomNumberGenerator.GetInt32(1000) / 10_000.0));

    /// <summary>Renews or evicts. Returns when to look again; null for never.</summary>
    private async Task<TimeSpan?> AttendAsync(CachedResponse response, CancellationToken cancellation)
    {
        if (!response.IsRenewable || response.Left(time) <= TimeSpan.Zero)
        {
            End(response, "it has reached its end");
            return null;
        }

        try
        {
            var asked = time.GetTimestamp();
            var answer = await client.SendAsync(Request(response), cancellation);
            if (answer.IsSuccess && ResponseShape.Read(answer.Body.Span) is { } renewed)
            {
                metrics.Renewals.Add();
                var given = renewed.LeaseDuration;
                response.Renew(given, renewed.IsRenewable, asked);
                // When the maximum is near, less is given each time: let it go before that becomes a rush of renewals.
                return given < response.FirstDuration * (1 - EndOfLife) ? given * EndOfLife / 2
                    : renewed.IsRenewable ? Jittered(given)
                    : given * EndOfLife;
            }

            metrics.RenewalFailures.Add();
            if (answer.Status is >= 400 and < 500 and not 429)
            {
                End(response, $"its renewal was refused ({answer.Status})");
                return null;
            }
        }
        catch (MayflyException)
        {
            metrics.RenewalFailures.Add();
        }
        catch (OperationCanceledException)
        {
            return null;
        }

        var left = response.Left(time);
        return left < RetryWait ? left : RetryWait;
    }

    private void End(CachedResponse response, string why)
    {
        if (response.HandedOut is { } token)
        {
            cache.EvictToken(token);
        }
        else
        {
            cache.Evict(response);
        }

        log.LogDebug("Evicted what {Path} had answered: {Why}", response.Key.Path, why);
    }

    private static MayflyRequest Request(CachedResponse response)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (response.Kind == CachedKind.Lease)
            {
                json.WriteString("lease_id"u8, response.LeaseId);
                json.WriteNumber("increment"u8, (long)response.FirstDuration.TotalSeconds);
            }

            json.WriteEndObject();
        }

        return new MayflyRequest(
            HttpMethod.Put,
            response.Kind == CachedKind.Lease ? "sys/leases/renew" : "auth/token/renew-self"
        )
        {
            Body = buffer.WrittenMemory,
            Token = response.HandedOut ?? response.Key.Token,
            Namespace = response.Key.Namespace,
        };
    }
}
