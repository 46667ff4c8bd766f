using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Leases;

/// <summary>
/// Lets the owner of records that have come due act: afterwards each is gone, or due later; one that is neither is handed over
/// again later. All are of one lane. Idempotent.
/// </summary>
internal delegate ValueTask<DueWork> DueHandler(IReadOnlyList<KeyedRecord> records, CancellationToken cancellation);

/// <summary>What an owner has done with the records that it was handed.</summary>
/// <param name="Away">
/// Folders (<see cref="StoreKey.Folder"/>) for whose records it cannot do anything now, since what they depend on is away. Those
/// are left alone for a while, and the others of the lane are not.
/// </param>
/// <param name="Written">Ends when all that it did is stored. More may be handed over before.</param>
internal readonly record struct DueWork(IEnumerable<StoreKey> Away, Task Written)
{
    /// <summary>All that could be done has been, and is stored.</summary>
    public static DueWork Done { get; } = new([], Task.CompletedTask);
}

/// <summary>
/// Wakes up when the next record comes due, and hands what is due to its owner, lane by lane: a slow or broken owner holds up
/// its own lane alone. It asks the store's ordered index, so neither its start nor its memory depends on how many records there
/// are.
/// </summary>
internal sealed class DueScheduler : IAsyncDisposable
{
    /// <summary>No sleep is longer, so that a clock that was set forward is noticed.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(30);

    /// <summary>How long after a failed look into the store there is another.</summary>
    private static readonly TimeSpan FailurePause = TimeSpan.FromSeconds(2);

    private readonly IStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly DueHandler _handle;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly Dictionary<long, DueLaneRun> _lanes = [];
    private IDisposable? _observation;
    private Task _loop = Task.CompletedTask;
    private long _sleepingUntil = long.MaxValue;
    private long _noticed = long.MinValue;

    public DueScheduler(IStore store, TimeProvider time, ILogger log, DueHandler handle)
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
            lock (_lanes)
            {
                return _lanes.Values.Sum(lane => lane.Postponed);
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
        while (true)
        {
            var (running, _) = await StartLanesAsync(noticed: long.MinValue, cancellation);
            var handled = await Task.WhenAll(running).WaitAsync(cancellation);
            if (handled.All(count => count == 0))
            {
                return;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _observation?.Dispose();
        await _stop.CancelAsync();
        await _loop;
        Task[] running;
        lock (_lanes)
        {
            running = [.. _lanes.Values.Select(lane => lane.Running)];
        }

        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _wake.Dispose();
    }

    private void Notice(CommittedBatch committed)
    {
        var earliest = long.MaxValue;
        var writes = committed.Writes;
        for (var i = 0; i < writes.Count; i++)
        {
            earliest = writes[i].Due < earliest ? writes[i].Due!.Value : earliest;
        }

        if (earliest < Volatile.Read(ref _sleepingUntil))
        {
            lock (_wake)
            {
                _noticed = Math.Min(_noticed, earliest);
            }

            Wake();
        }
    }

    private long TakeNoticed()
    {
        lock (_wake)
        {
            var noticed = _noticed;
            _noticed = long.MaxValue;
            return noticed;
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
                // Announced before the index is asked, so that a record committed in between wakes it.
                Volatile.Write(ref _sleepingUntil, long.MaxValue);
                var (_, until) = await StartLanesAsync(TakeNoticed(), _stop.Token);
                await SleepAsync(until);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                _log.LogError(e, "looking for due records failed; trying again");
                await Task.Delay(FailurePause, _time, _stop.Token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Sleeps until that time, or until something comes due earlier or a lane has ended.</summary>
    private async Task SleepAsync(DateTimeOffset until)
    {
        var now = _time.GetUtcNow();
        var longest = now + LongestSleep;
        until = until < longest ? until : longest;
        Volatile.Write(ref _sleepingUntil, until.ToUnixTimeMilliseconds());
        var wait = until > now ? until - now : TimeSpan.FromMilliseconds(1);
        await using var timer = _time.CreateTimer(_ => Wake(), null, wait, Timeout.InfiniteTimeSpan);
        await _wake.WaitAsync(_stop.Token);
    }

    /// <summary>Starts each lane that has something due and does not run yet.</summary>
    /// <param name="noticed">The earliest due time that has been given to anything since the last time.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>All that run, and when the next one is to be started.</returns>
    private async Task<(IReadOnlyList<Task<int>> Running, DateTimeOffset Next)> StartLanesAsync(
        long noticed,
        CancellationToken cancellation
    )
    {
        var due = await _store.DueLanesAsync(cancellation);
        var now = _time.GetUtcNow();
        var next = DateTimeOffset.MaxValue;
        var running = new List<Task<int>>();
        lock (_lanes)
        {
            foreach (var (id, earliest) in due)
            {
                if (!_lanes.TryGetValue(id, out var lane))
                {
                    _lanes[id] = lane = new DueLaneRun(id, _store, _time, _log, _handle);
                }

                lane.Notice(noticed);
                if (!lane.IsRunning)
                {
                    var start = lane.StartsAt(DateTimeOffset.FromUnixTimeMilliseconds(earliest));
                    if (start > now)
                    {
                        next = start < next ? start : next;
                        continue;
                    }

                    lane.Start(Wake, _stop.Token);
                }

                running.Add(lane.Running);
            }

            foreach (var id in _lanes.Keys.Except(due.Select(lane => lane.Lane)).ToList())
            {
                if (!_lanes[id].IsRunning)
                {
                    _lanes.Remove(id);
                }
            }
        }

        return (running, next);
    }
}
