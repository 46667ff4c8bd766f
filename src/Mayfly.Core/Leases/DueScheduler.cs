using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Leases;

/// <summary>
/// Wakes up when the next record comes due, and hands what is due to its owner. It asks the store's ordered index, so
/// neither its start nor its memory depends on how many records there are. An owner that fails is asked again later,
/// without holding up the others.
/// </summary>
internal sealed class DueScheduler : IAsyncDisposable
{
    private const int PerRound = 256;

    /// <summary>How long until a record that its owner could not handle is tried again.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    /// <summary>No sleep is longer, so that a clock that was set forward is noticed.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(30);

    private readonly IStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Func<KeyedRecord, CancellationToken, ValueTask> _handle;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly Dictionary<StoreKey, (DateTimeOffset Next, TimeSpan Pause)> _postponed = [];
    private IDisposable? _observation;
    private Task _loop = Task.CompletedTask;
    private long _sleepingUntil = long.MaxValue;

    /// <param name="store">Whose records come due.</param>
    /// <param name="time">What time it is.</param>
    /// <param name="log">For failures.</param>
    /// <param name="handle">
    /// Finds the owner of a record and lets it act: afterwards the record is gone, or due later. Idempotent.
    /// </param>
    public DueScheduler(
        IStore store,
        TimeProvider time,
        ILogger log,
        Func<KeyedRecord, CancellationToken, ValueTask> handle
    )
    {
        _store = store;
        _time = time;
        _log = log;
        _handle = handle;
    }

    /// <summary>How many records wait for another attempt.</summary>
    internal int Postponed
    {
        get
        {
            lock (_postponed)
            {
                return _postponed.Count;
            }
        }
    }

    /// <summary>Begins to watch.</summary>
    public void Start()
    {
        _observation = _store.Observe(Notice);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Handles everything that is due now, before it returns. For tests, which move the clock.</summary>
    public async Task RunDueAsync(CancellationToken cancellation)
    {
        while (await RoundAsync(cancellation) > 0) { }
    }

    public async ValueTask DisposeAsync()
    {
        _observation?.Dispose();
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
        _wake.Dispose();
    }

    private void Notice(CommittedBatch committed)
    {
        foreach (var write in committed.Writes)
        {
            if (write.Due < Volatile.Read(ref _sleepingUntil))
            {
                Wake();
                return;
            }
        }
    }

    private void Wake()
    {
        lock (_wake)
        {
            if (_wake.CurrentCount == 0)
            {
                _wake.Release();
            }
        }
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                while (await RoundAsync(_stop.Token) > 0) { }

                await SleepAsync();
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                _log.LogError(e, "looking for due records failed; trying again");
                await Task.Delay(FirstPause, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task SleepAsync()
    {
        // Announced before the index is asked, so that a record committed in between wakes it.
        Volatile.Write(ref _sleepingUntil, long.MaxValue);
        var now = _time.GetUtcNow();
        var until = now + LongestSleep;
        if (await _store.NextDueAsync(_stop.Token) is { } next)
        {
            var due = DateTimeOffset.FromUnixTimeMilliseconds(next);
            if (due <= now)
            {
                // What is due now has been postponed.
                lock (_postponed)
                {
                    due = _postponed.Values.Select(entry => entry.Next).DefaultIfEmpty(now + FirstPause).Min();
                }
            }

            until = due < until ? due : until;
        }

        Volatile.Write(ref _sleepingUntil, until.ToUnixTimeMilliseconds());
        var wait = until > now ? until - now : TimeSpan.FromMilliseconds(1);
        using var timer = _time.CreateTimer(_ => Wake(), null, wait, Timeout.InfiniteTimeSpan);
        await _wake.WaitAsync(_stop.Token);
    }

    private async Task<int> RoundAsync(CancellationToken cancellation)
    {
        var now = _time.GetUtcNow();
        int postponed;
        lock (_postponed)
        {
            postponed = _postponed.Count;
        }

        var due = await _store.DueAsync(now.ToUnixTimeMilliseconds(), PerRound + postponed, cancellation);
        var handled = 0;
        foreach (var record in due)
        {
            if (!IsPostponed(record.Key, now))
            {
                handled++;
                await HandleAsync(record, now, cancellation);
            }
        }

        ForgetGone(due, now);
        return handled;
    }

    /// <summary>What was postponed and has ended by other hands meanwhile is not waited for.</summary>
    private void ForgetGone(IReadOnlyList<KeyedRecord> due, DateTimeOffset now)
    {
        lock (_postponed)
        {
            if (_postponed.Count == 0)
            {
                return;
            }

            var present = due.Select(record => record.Key).ToHashSet();
            foreach (var (key, entry) in _postponed)
            {
                if (entry.Next <= now && !present.Contains(key))
                {
                    _postponed.Remove(key);
                }
            }
        }
    }

    private async Task HandleAsync(KeyedRecord record, DateTimeOffset now, CancellationToken cancellation)
    {
        try
        {
            await _handle(record, cancellation);
            var after = await _store.GetAsync(record.Key, cancellation);
            if (after is null || after.Due is null || after.Due > now.ToUnixTimeMilliseconds())
            {
                lock (_postponed)
                {
                    _postponed.Remove(record.Key);
                }

                return;
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _log.LogWarning(e, "a record that came due could not be handled; trying again later");
        }

        Postpone(record.Key, now);
    }

    private bool IsPostponed(StoreKey key, DateTimeOffset now)
    {
        lock (_postponed)
        {
            // Further away than any pause: the clock has been set back since, and the pause is over.
            return _postponed.TryGetValue(key, out var entry)
                && entry.Next > now
                && entry.Next - now <= LongestPause * 2;
        }
    }

    private void Postpone(StoreKey key, DateTimeOffset now)
    {
        lock (_postponed)
        {
            var pause = _postponed.TryGetValue(key, out var entry) ? entry.Pause * 2 : FirstPause;
            pause = pause < LongestPause ? pause : LongestPause;
            var jitter = 1 + System.Security.Cryptography.RandomNumberGenerator.GetInt32(250) / 1000.0;
            _postponed[key] = (now + pause * jitter, pause);
        }
    }
}
