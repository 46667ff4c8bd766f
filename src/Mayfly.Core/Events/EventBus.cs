using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;
using Mayfly.Core.Quotas;

namespace Mayfly.Core.Events;

/// <summary>
/// Takes events from whoever has changed something, and lets subscribers read them. Publishing costs the same however many
/// subscribers there are and however slow they are: the event goes into one bounded log, and they are woken from elsewhere.
/// Safe for concurrent use.
/// </summary>
internal sealed class EventBus : IDisposable
{
    /// <summary>The path of a subscription, before the type.</summary>
    public const string PathPrefix = "sys/events/subscribe/";

    /// <summary>
    /// Subscribers are woken at most this often, so that many changes together cost one round. Not a matter of the vault's
    /// clock, but of sparing the processor.
    /// </summary>
    private static readonly TimeSpan Round = TimeSpan.FromMilliseconds(10);

    /// <summary>How much longer a round is for each subscriber, so that a crowd does not take the processor from writers.</summary>
    private static readonly TimeSpan RoundPerSubscriber = TimeSpan.FromMicroseconds(20);

    /// <summary>How often subscribers look whether their token still lives, at least.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private const int Idle = 0;
    private const int Waking = 1;
    private const int WakeAgain = 2;

    private readonly Lock _gate = new();
    private readonly FairShares _places;
    private readonly ITimer _tick;
    private TaskCompletionSource _woken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _waking;
    private long _deserted;
    private long _looks;
    private volatile bool _heard;
    private volatile bool _closed;

    public EventBus(EventLimits limits, string source, TimeProvider time)
    {
        Limits = limits;
        Time = time;
        Source = source;
        _places = new FairShares(limits.Subscriptions, limits.SubscriptionsPerToken);
        Log = new EventLog(limits.Kept, limits.KeptBytes);
        _tick = time.CreateTimer(_ => LookAgain(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public EventLimits Limits { get; }

    public TimeProvider Time { get; }

    /// <summary>The URI of this server in events.</summary>
    public string Source { get; }

    public EventLog Log { get; }

    /// <summary>How many subscribers there are.</summary>
    public int Subscriptions => _places.Taken;

    /// <summary>Somebody listens, or did a moment ago and may come back.</summary>
    public bool IsHeard => _heard;

    /// <summary>Nobody is told anything any more.</summary>
    public bool IsClosed => _closed;

    /// <summary>Ends at the next event, and about every second. Take it before looking at the log.</summary>
    public Task Woken => Volatile.Read(ref _woken).Task;

    /// <summary>Grows when subscribers are to look at their tokens.</summary>
    public long Looks => Interlocked.Read(ref _looks);

    /// <summary>Whether whoever has <paramref name="acl"/> may learn of it: may read what it is about (or has the capability for it), and its type.</summary>
    public static bool IsVisible(ChangeEvent change, Acl acl)
    {
        var read = acl.Decide(Operation.Read, change.DataPath, body: null, wrapTtl: null);
        return ((read.Allowed && (read.Sudo || !change.NeedsSudo)) || acl.MaySubscribe(change.DataPath, change.Type))
            && acl.Decide(Operation.Read, change.SubscriptionPath, body: null, wrapTtl: null).Allowed;
    }

    /// <summary>What the mount's engine publishes through.</summary>
    public EventSource SourceOf(Mount mount) => new(this, mount);

    public void Publish(
        Mount mount,
        string type,
        string path,
        string dataPath,
        bool sudo,
        ReadOnlySpan<(string Name, string Value)> more
    )
    {
        var id = Guid.NewGuid().ToString();
        var operation = type[(type.IndexOf('/', StringComparison.Ordinal) + 1)..];
        dataPath = mount.Path + dataPath;
        var json = EventJson.Of(
            id,
            Source,
            type,
            operation,
            mount,
            mount.Path + path,
            dataPath,
            Time.GetUtcNow(),
            more
        );
        var change = new ChangeEvent(id, type, operation, mount.Path, dataPath, sudo, json);
        lock (_gate)
        {
            if (Subscriptions == 0 && Time.GetElapsedTime(_deserted) >= Limits.Linger)
            {
                _heard = false;
                Log.Clear();
                return;
            }

            Log.Append(change);
        }

        EventMetrics.Published.Add(1);
        Wake();
    }

    /// <summary>A place for a subscriber, or why there is none.</summary>
    public (Subscription? Subscription, Fault? Fault) Subscribe(SubscriptionRequest request)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return (null, Fault.Sealed());
            }

            var isFirst = Subscriptions == 0;
            if (!_places.TryTake(request.Owner))
            {
                EventMetrics.Refused.Add(1);
                var own = _places.Of(request.Owner);
                return (
                    null,
                    own == 0
                        ? Fault.Throttled("the server has as many subscriptions as it can take", Tick)
                        : Fault.Throttled($"this token has {own} subscriptions already; end some before the next", Tick)
                );
            }

            EventMetrics.Subscriptions.Add(1);
            if (isFirst)
            {
                _heard = true;
                _tick.Change(Tick, Tick);
            }

            var seen = request.LastEventId is { } id ? Log.Find(id) : null;
            return (
                new Subscription(
                    this,
                    request,
                    next: seen + 1 ?? Log.Head,
                    lost: request.LastEventId is not null && seen is null
                ),
                null
            );
        }
    }

    /// <summary>A subscriber is gone.</summary>
    public void Leave(string owner)
    {
        lock (_gate)
        {
            EventMetrics.Subscriptions.Add(-1);
            _places.GiveBack(owner);
            if (Subscriptions == 0)
            {
                _deserted = Time.GetTimestamp();
                _tick.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Has every subscriber look at its token and policies again, whether there is something to tell or not.</summary>
    public void LookAgain()
    {
        Interlocked.Increment(ref _looks);
        Wake();
    }

    /// <summary>Ends every subscription, for good.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
        }

        Wake();
    }

    public void Dispose()
    {
        Close();
        _tick.Dispose();
    }

    /// <summary>Has every subscriber look what there is to tell.</summary>
    private void Wake()
    {
        if (Interlocked.Exchange(ref _waking, WakeAgain) == Idle)
        {
            _ = Task.Run(WakeAllAsync);
        }
    }

    private async Task WakeAllAsync()
    {
        do
        {
            Volatile.Write(ref _waking, Waking);
            var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Interlocked.Exchange(ref _woken, next).SetResult();
            await Task.Delay(Round + Subscriptions * RoundPerSubscriber);
        } while (Interlocked.CompareExchange(ref _waking, Idle, Waking) != Waking);
    }
}
