using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Leases;

/// <summary>
/// Lets the owner of records that have come due act: afterwards each is gone, or due later; one that is neither is handed over
/// again later. All are of one lane. Idempotent.
/// </summary>
/// <returns>False when the owner cannot do anything for any of them now: the lane is left alone for a while.</returns>
internal delegate ValueTask<bool> DueHandler(IReadOnlyList<KeyedRecord> records, CancellationToken cancellation);

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
    private bool _noticed = true;

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
            var (running, _) = await StartLanesAsync(noticed: true, cancellation);
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
        var writes = committed.Writes;
        for (var i = 0; i < writes.Count; i++)
        {
            if (writes[i].Due < Volatile.Read(ref _sleepingUntil))
            {
                Volatile.Write(ref _noticed, true);
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
                // Announced before the index is asked, so that a record committed in between wakes it.
                Volatile.Write(ref _sleepingUntil, long.MaxValue);
                var noticed = Interlocked.Exchange(ref _noticed, false);
                var (_, until) = await StartLanesAsync(noticed, _stop.Token);
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
    /// <returns>All that run, and when the next one is to be started.</returns>
    private async Task<(IReadOnlyList<Task<int>> Running, DateTimeOffset Next)> StartLanesAsync(
        bool noticed,
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

                if (lane.IsRunning)
                {
                    if (noticed)
                    {
                        lane.Notice();
                    }
                }
                else
                {
                    var start = lane.StartsAt(DateTimeOffset.FromUnixTimeMilliseconds(earliest), noticed);
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
