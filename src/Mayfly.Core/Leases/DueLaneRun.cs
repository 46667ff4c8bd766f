using System.Security.Cryptography;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Leases;

/// <summary>
/// Works off what is due in one lane, some thousand records at a time. A record that its owner could not handle is handed over
/// again later, without holding up the others of the lane. Used by the scheduler alone.
/// </summary>
internal sealed class DueLaneRun(long id, IStore store, TimeProvider time, ILogger log, DueHandler handle)
{
    private const int PerRound = 2_048;

    /// <summary>How long until a record, or a whole lane, that could not be handled is tried again at first.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private readonly Dictionary<StoreKey, (DateTimeOffset Next, TimeSpan Pause, long Version)> _postponed = [];
    private Dictionary<StoreKey, long> _before = [];
    private DateTimeOffset _awayUntil = DateTimeOffset.MinValue;
    private TimeSpan _awayPause;
    private DateTimeOffset _idleUntil = DateTimeOffset.MinValue;
    private volatile int _waiting;
    private volatile bool _running;
    private bool _noticed;

    /// <summary>How many records wait for another attempt.</summary>
    public int Postponed => _waiting;

    /// <summary>The last run, which gives how many records it handed over.</summary>
    public Task<int> Running { get; private set; } = Task.FromResult(0);

    /// <summary>A run is under way; it is over before the scheduler is told of its end, which then may start the next.</summary>
    public bool IsRunning => _running;

    /// <summary>Something new has come due while it runs, which the run may have missed.</summary>
    public void Notice() => _noticed = true;

    /// <summary>When to start it, while it does not run.</summary>
    /// <param name="earliest">The earliest due time in the lane.</param>
    /// <param name="noticed">Something new may have come due: do not trust what the last run expected.</param>
    public DateTimeOffset StartsAt(DateTimeOffset earliest, bool noticed)
    {
        var now = time.GetUtcNow();
        if (IsAhead(_awayUntil, now))
        {
            return _awayUntil;
        }

        return !noticed && !_noticed && IsAhead(_idleUntil, now) ? _idleUntil : earliest;
    }

    /// <summary>Starts a run; <paramref name="ended"/> is called when it is over.</summary>
    public void Start(Action ended, CancellationToken stop)
    {
        _noticed = false;
        _running = true;
        Running = Task.Run(
            async () =>
            {
                try
                {
                    return await RunAsync(stop);
                }
                finally
                {
                    _waiting = _postponed.Count;
                    _running = false;
                    ended();
                }
            },
            CancellationToken.None
        );
    }

    private async Task<int> RunAsync(CancellationToken stop)
    {
        var handed = 0;
        _before = [];
        try
        {
            while (true)
            {
                var now = time.GetUtcNow();
                var due = await store.DueAsync(id, now.ToUnixTimeMilliseconds(), PerRound + _postponed.Count, stop);
                ForgetGone(due);
                var records = due.Where(record => !IsPostponed(record, now)).ToList();
                if (records.Count == 0)
                {
                    await ExpectNextAsync(now, stop);
                    return handed;
                }

                _before = records.ToDictionary(record => record.Key, record => record.Record.Version);
                handed += records.Count;
                if (!await handle(records, stop))
                {
                    Leave(now);
                    return handed;
                }

                _awayPause = TimeSpan.Zero;
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 0;
        }
        catch (Exception e)
        {
            log.LogWarning(e, "records that came due could not be handled; trying again later");
            Leave(time.GetUtcNow());
            return 0;
        }
    }

    /// <summary>
    /// A record that comes again as it was has not been handled. One that has been written since has: its owner may take longer
    /// than its call.
    /// </summary>
    private bool IsPostponed(KeyedRecord record, DateTimeOffset now)
    {
        var version = record.Record.Version;
        var isKnown = _postponed.TryGetValue(record.Key, out var entry) && entry.Version == version;
        if (_before.TryGetValue(record.Key, out var before) && before == version)
        {
            var pause = isKnown ? Longer(entry.Pause) : FirstPause;
            _postponed[record.Key] = (now + WithJitter(pause), pause, version);
            _before.Remove(record.Key);
            return true;
        }

        return isKnown && IsAhead(entry.Next, now);
    }

    /// <summary>What was postponed and has ended by other hands meanwhile is not waited for.</summary>
    private void ForgetGone(IReadOnlyList<KeyedRecord> due)
    {
        if (_postponed.Count == 0)
        {
            return;
        }

        var present = due.Select(record => record.Key).ToHashSet();
        foreach (var key in _postponed.Keys.Where(key => !present.Contains(key)).ToList())
        {
            _postponed.Remove(key);
        }
    }

    /// <summary>All that is due waits for another attempt: the next to come due may be earlier.</summary>
    private async Task ExpectNextAsync(DateTimeOffset now, CancellationToken stop)
    {
        if (_postponed.Count == 0)
        {
            _idleUntil = DateTimeOffset.MinValue;
            return;
        }

        var next = _postponed.Values.Min(entry => entry.Next);
        var ahead = await store.DueAsync(id, long.MaxValue, _postponed.Count + 1, stop);
        foreach (var record in ahead.Where(record => !_postponed.ContainsKey(record.Key)))
        {
            var due = DateTimeOffset.FromUnixTimeMilliseconds(record.Record.Due!.Value);
            next = due < next ? due : next;
        }

        _idleUntil = next > now ? next : now;
    }

    /// <summary>Whether a pause goes on. Further away than any pause: the clock has been set back since, and it is over.</summary>
    private static bool IsAhead(DateTimeOffset until, DateTimeOffset now) =>
        until > now && until - now <= LongestPause * 2;

    private void Leave(DateTimeOffset now)
    {
        _awayPause = _awayPause == TimeSpan.Zero ? FirstPause : Longer(_awayPause);
        _awayUntil = now + WithJitter(_awayPause);
    }

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;

    private static TimeSpan WithJitter(TimeSpan pause) => pause * (1 + RandomNumberGenerator.GetInt32(250) / 1000.0);
}
