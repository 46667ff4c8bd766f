namespace Mayfly.Core.Events;

/// <summary>Why a subscription ends, when it is not the subscriber that leaves.</summary>
public enum SubscriptionEnd
{
    /// <summary>It goes on.</summary>
    None,

    /// <summary>Its token was revoked or has expired.</summary>
    TokenEnded,

    /// <summary>The policies no longer allow the subscription.</summary>
    Denied,

    /// <summary>The server is being sealed, or stops.</summary>
    Closing,

    /// <summary>Its filter takes too much of the processor.</summary>
    FilterTooSlow,
}

/// <summary>What a subscriber is to be told next. With nothing in it, it is a sign of life.</summary>
/// <param name="Lost">The notice that events are missing before these, as JSON; empty when there are none.</param>
/// <param name="Events">In order. Valid until the next batch is asked for.</param>
/// <param name="End">Why this batch is the last.</param>
public readonly record struct EventBatch(
    ReadOnlyMemory<byte> Lost,
    IReadOnlyList<ChangeEvent> Events,
    SubscriptionEnd End
);

/// <summary>
/// What one subscriber is to be told: the events of the types it asked for, as far as its token may read what they are
/// about, now and not when it subscribed. Has one reader. Disposing it frees its place.
/// </summary>
public sealed class Subscription : IDisposable
{
    /// <summary>The most events of one batch.</summary>
    private const int BatchLimit = 64;

    /// <summary>How long a filter may take altogether: so much, and so much more for each event.</summary>
    private static readonly TimeSpan SiftingAtFirst = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan SiftingPerEvent = TimeSpan.FromMilliseconds(1);

    private readonly EventBus _bus;
    private readonly SubscriptionRequest _request;
    private readonly List<ChangeEvent> _batch = [];
    private long _next;
    private bool _lost;
    private long _looks = -1;
    private TimeSpan _sifting;
    private long _sifted;
    private int _disposed;

    internal Subscription(EventBus bus, SubscriptionRequest request, long next, bool lost)
    {
        _bus = bus;
        _request = request;
        _next = next;
        _lost = lost;
    }

    /// <summary>Waits for something to tell, at most until it is time for a sign of life.</summary>
    public async ValueTask<EventBatch> ReadAsync(CancellationToken cancellation)
    {
        _batch.Clear();
        var start = _bus.Time.GetTimestamp();
        while (true)
        {
            // In this order: whatever is published from here on ends the wait below. And the token is looked at after the
            // end of the log, so that an event is judged by policies as they were when it was published, or newer ones.
            var woken = _bus.Woken;
            var looks = _bus.Looks;
            var head = _bus.Log.Head;
            if (_bus.IsClosed)
            {
                return new EventBatch(default, [], SubscriptionEnd.Closing);
            }

            Collect(head);
            if (_batch.Count > 0 || _lost || looks != _looks)
            {
                var (acl, end) = await _request.Admit(cancellation);
                if (acl is null)
                {
                    return new EventBatch(default, [], end);
                }

                _looks = looks;
                _batch.RemoveAll(change => !EventBus.IsVisible(change, acl));
                if (!Sift())
                {
                    return new EventBatch(default, [], SubscriptionEnd.FilterTooSlow);
                }
            }

            if (_batch.Count > 0 || _lost)
            {
                return new EventBatch(Notice(), _batch, SubscriptionEnd.None);
            }

            if (_next < head)
            {
                continue;
            }

            if (_bus.Time.GetElapsedTime(start) >= _bus.Limits.Heartbeat)
            {
                return new EventBatch(default, [], SubscriptionEnd.None);
            }

            await woken.WaitAsync(cancellation);
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _bus.Leave(_request.Owner);
        }
    }

    private ReadOnlyMemory<byte> Notice()
    {
        if (!_lost)
        {
            return default;
        }

        _lost = false;
        EventMetrics.Lost.Add(1);
        return EventJson.Lost(_bus.Source, _bus.Time.GetUtcNow());
    }

    /// <summary>
    /// Leaves what the filter wants. It sees only what may be told: how long it takes with anything else would tell of that.
    /// </summary>
    /// <returns>False when the filter takes too long.</returns>
    private bool Sift()
    {
        if (_request.Filter is not { } filter || _batch.Count == 0)
        {
            return true;
        }

        var start = _bus.Time.GetTimestamp();
        _sifted += _batch.Count;
        var isSlow = false;
        _batch.RemoveAll(change =>
        {
            var matches = isSlow ? null : filter.Matches(change);
            isSlow |= matches is null;
            return matches != true;
        });
        _sifting += _bus.Time.GetElapsedTime(start);
        return !isSlow && _sifting <= SiftingAtFirst + _sifted * SiftingPerEvent;
    }

    /// <summary>Takes what is of the types, whether it may be told or not: that is looked at once for all of it.</summary>
    private void Collect(long head)
    {
        while (_next < head && _batch.Count < BatchLimit)
        {
            if (_bus.Log.At(_next) is not { } change)
            {
                if (_batch.Count > 0)
                {
                    // What was found so far goes out first, so that the notice stands where the gap is.
                    return;
                }

                _lost = true;
                _next = Math.Max(_next + 1, _bus.Log.Tail);
                continue;
            }

            _next++;
            if (_request.IsOfType(change))
            {
                _batch.Add(change);
            }
        }
    }
}
