using Mayfly.Agent.Identity;
using Mayfly.Client;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Proxy;

/// <summary>
/// Change events of the server while the agent is connected to them. Whoever keeps a secret without a lease asks this whether it
/// is still known to be current. Safe for concurrent use.
/// </summary>
internal sealed class ChangeFeed(AgentIdentity identity, string types, ILogger log, TimeProvider time)
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    // A subscription that is not wanted for good: the policy may change.
    private static readonly TimeSpan RefusedWait = TimeSpan.FromMinutes(1);
    private const int Remembered = 1024;

    /// <summary>What tells of secrets of key-value engines.</summary>
    public const string Secrets = "kv*";

    /// <summary>What tells of credentials that are on offer to those who say who they are, while a rotation waits.</summary>
    public const string Rotations = "rotation/*";

    private readonly Lock _gate = new();
    private readonly Queue<(long At, string Path)> _recent = new();
    private long _events;
    private volatile bool _isLive;
    private long _brokenSince;

    /// <summary>Who is told what has changed: the path where it can be read, or null for everything. Set before it runs.</summary>
    public List<Action<string?>> Listeners { get; } = [];

    /// <summary>Changes are heard now.</summary>
    public bool IsLive => _isLive;

    /// <summary>For how long changes have not been heard; zero while they are.</summary>
    public TimeSpan Broken => _isLive ? TimeSpan.Zero : time.GetElapsedTime(Volatile.Read(ref _brokenSince));

    /// <summary>A point in the stream of events, for <see cref="HasChangedSince"/>; null while nothing is heard.</summary>
    public long? Mark()
    {
        lock (_gate)
        {
            return _isLive ? _events : null;
        }
    }

    /// <summary>Whether what is read at <paramref name="path"/> may have changed since then.</summary>
    public bool HasChangedSince(long mark, string path)
    {
        lock (_gate)
        {
            return !_isLive
                || (_events > mark && (_recent.Count == 0 || _recent.Peek().At > mark + 1))
                || _recent.Any(each => each.At > mark && each.Path == path);
        }
    }

    /// <summary>Listens until <paramref name="cancellation"/> ends; connects again whenever it must.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        Volatile.Write(ref _brokenSince, time.GetTimestamp());
        var wait = FirstWait;
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(cancellation);
                wait = FirstWait;
            }
            catch (MayflyApiException refused) when (refused.Status is >= 400 and < 500)
            {
                log.LogWarning(
                    "Change events cannot be heard, so that what changes is seen late: the token needs read on sys/events/subscribe/{Types} ({Status})",
                    types,
                    refused.Status
                );
                wait = RefusedWait;
            }
            catch (MayflyException)
            {
                wait = wait * 2 < LongestWait ? wait * 2 : LongestWait;
            }

            Break();
            await Task.Delay(wait, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ListenAsync(CancellationToken cancellation)
    {
        var options = new SubscriptionOptions { Reconnect = false, Connected = Begin };
        await foreach (var change in identity.Client.SubscribeAsync(types, options, cancellation))
        {
            Tell(change.IsLost ? null : change.DataPath);
        }
    }

    private void Begin()
    {
        // What was read before may have changed unheard.
        Tell(null);
        lock (_gate)
        {
            _recent.Clear();
            _isLive = true;
        }
    }

    private void Break()
    {
        lock (_gate)
        {
            if (_isLive)
            {
                _isLive = false;
                Volatile.Write(ref _brokenSince, time.GetTimestamp());
            }
        }
    }

    private void Tell(string? path)
    {
        lock (_gate)
        {
            _events++;
            _recent.Enqueue((_events, path ?? ""));
            if (path is null)
            {
                _recent.Clear();
            }
            else if (_recent.Count > Remembered)
            {
                _recent.Dequeue();
            }
        }

        foreach (var listener in Listeners)
        {
            listener(path);
        }
    }
}
