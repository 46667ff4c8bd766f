using System.Security.Cryptography;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Leases;

/// <summary>
/// Works off what is due in one lane, in passes from the earliest to the latest, some thousand records at a time. A record that
/// its owner could not handle is handed over again later, and so is a folder whose owner could do nothing for it, without holding
/// up the others of the lane. Used by the scheduler alone.
/// </summary>
internal sealed class DueLaneRun(long id, IStore store, TimeProvider time, ILogger log, DueHandler handle)
{
    /// <summary>Many at a time, so that an owner finds some among them that stand beside each other in the store.</summary>
    private const int PerPage = 8_192;

    /// <summary>So many are handed over before it is looked at which of them are still there: they are remembered until then.</summary>
    private const int PerPass = 4 * PerPage;

    /// <summary>How long until what could not be handled is tried again at first.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    /// <summary>How long a folder is left alone at most, unless asking takes long: soon after an outage its records are handled.</summary>
    private static readonly TimeSpan LongestAway = TimeSpan.FromSeconds(10);

    /// <summary>While it is asked for a folder, the others of the lane wait: at most a fifth of the time.</summary>
    private const int PausePerAttempt = 4;

    private readonly Dictionary<StoreKey, Postponement> _postponed = [];
    private readonly Dictionary<StoreKey, Absence> _away = [];
    private Dictionary<StoreKey, long> _before = [];
    private DateTimeOffset _failedUntil = DateTimeOffset.MinValue;
    private TimeSpan _failedPause;
    private DateTimeOffset _idleUntil = DateTimeOffset.MinValue;
    private DuePlace _behind = DuePlace.Start;
    private long _noticed = long.MaxValue;
    private volatile int _waiting;
    private volatile bool _running;

    /// <summary>How many records wait for another attempt.</summary>
    public int Postponed => _waiting;

    /// <summary>The last run, which gives how many records it handed over.</summary>
    public Task<int> Running { get; private set; } = Task.FromResult(0);

    /// <summary>A run is under way; it is over before the scheduler is told of its end, which then may start the next.</summary>
    public bool IsRunning => _running;

    /// <summary>Something has been given this due time, which a run that is under way may miss.</summary>
    public void Notice(long due) => _noticed = Math.Min(_noticed, due);

    /// <summary>When to start it, while it does not run.</summary>
    /// <param name="earliest">The earliest due time in the lane.</param>
    public DateTimeOffset StartsAt(DateTimeOffset earliest)
    {
        var now = time.GetUtcNow();
        if (IsAhead(_failedUntil, now))
        {
            return _failedUntil;
        }

        return _noticed == long.MaxValue && IsAhead(_idleUntil, now) ? _idleUntil : earliest;
    }

    /// <summary>Starts a run; <paramref name="ended"/> is called when it is over.</summary>
    public void Start(Action ended, CancellationToken stop)
    {
        var noticed = _noticed;
        _noticed = long.MaxValue;
        _running = true;
        Running = Task.Run(
            async () =>
            {
                try
                {
                    return await RunAsync(noticed, stop);
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

    private async Task<int> RunAsync(long noticed, CancellationToken stop)
    {
        var handed = 0;
        _before = [];
        try
        {
            // What stands before this place waits, and is passed over until one of its pauses is over.
            var from = noticed <= _behind.Due || IsAnyPauseOver() ? DuePlace.Start : _behind;
            while (await PassAsync(from, stop) is var count and > 0)
            {
                handed += count;
                _failedPause = TimeSpan.Zero;
            }

            return handed;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 0;
        }
        catch (Exception e)
        {
            log.LogWarning(e, "records that came due could not be handled; trying again later");
            _failedPause = _failedPause == TimeSpan.Zero ? FirstPause : Longer(_failedPause, LongestPause);
            _failedUntil = time.GetUtcNow() + WithJitter(_failedPause);
            return 0;
        }
    }

    /// <summary>Goes once over what is due, and gives how many records it handed over.</summary>
    private async Task<int> PassAsync(DuePlace from, CancellationToken stop)
    {
        var now = time.GetUtcNow();
        var place = from;
        var handed = new Dictionary<StoreKey, long>();
        var waiting = new HashSet<StoreKey>();
        var isWhole = false;
        var written = Task.CompletedTask;
        try
        {
            while (handed.Count < PerPass && !isWhole)
            {
                // While the page before is still being written.
                var page = await store.DueAsync(id, place, now.ToUnixTimeMilliseconds(), PerPage, stop);
                isWhole = page.Records.Count < PerPage;
                place = page.Last;
                var records = page.Records.Where(record => !Waits(record, now, waiting)).ToList();
                await written;
                if (records.Count == 0)
                {
                    continue;
                }

                foreach (var record in records)
                {
                    handed[record.Key] = record.Record.Version;
                }

                var start = time.GetTimestamp();
                var work = await handle(records, stop);
                written = work.Written;
                LeaveAlone(work.Away, time.GetElapsedTime(start));
            }
        }
        finally
        {
            await written;
        }

        _before = handed;
        if (isWhole && from == DuePlace.Start)
        {
            ForgetAllBut(waiting, now);
        }

        if (handed.Count == 0)
        {
            await ExpectNextAsync(place, now, stop);
        }

        return handed.Count;
    }

    /// <summary>
    /// A record that comes again as it was has not been handled. One that has been written since has: its owner may take longer
    /// than its call.
    /// </summary>
    private bool Waits(KeyedRecord record, DateTimeOffset now, HashSet<StoreKey> waiting)
    {
        if (_away.Count > 0 && _away.TryGetValue(record.Key.Folder, out var absence) && IsAhead(absence.Until, now))
        {
            return true;
        }

        var version = record.Record.Version;
        var isKnown = _postponed.TryGetValue(record.Key, out var entry) && entry.Version == version;
        if (_before.TryGetValue(record.Key, out var before) && before == version)
        {
            var pause = isKnown ? Longer(entry.Pause, LongestPause) : FirstPause;
            _postponed[record.Key] = new(now + WithJitter(pause), pause, version);
            _before.Remove(record.Key);
            waiting.Add(record.Key);
            return true;
        }

        if (!isKnown)
        {
            return false;
        }

        waiting.Add(record.Key);
        return IsAhead(entry.Next, now);
    }

    private void LeaveAlone(IEnumerable<StoreKey> folders, TimeSpan attempt)
    {
        foreach (var folder in folders)
        {
            var pause = _away.TryGetValue(folder, out var known) ? Longer(known.Pause, LongestAway) : FirstPause;
            var wait = attempt * PausePerAttempt > pause ? attempt * PausePerAttempt : pause;
            _away[folder] = new(time.GetUtcNow() + WithJitter(wait < LongestPause ? wait : LongestPause), pause);
        }
    }

    /// <summary>
    /// After a whole pass: what was postponed and has ended by other hands meanwhile is not waited for, nor is a folder that was
    /// asked for again and not refused.
    /// </summary>
    private void ForgetAllBut(HashSet<StoreKey> waiting, DateTimeOffset now)
    {
        foreach (var key in _postponed.Keys.Where(key => !waiting.Contains(key)).ToList())
        {
            _postponed.Remove(key);
        }

        foreach (var folder in _away.Where(away => !IsAhead(away.Value.Until, now)).Select(away => away.Key).ToList())
        {
            _away.Remove(folder);
        }
    }

    /// <summary>All that is due and stands before <paramref name="place"/> waits: the next to come due may be earlier.</summary>
    private async Task ExpectNextAsync(DuePlace place, DateTimeOffset now, CancellationToken stop)
    {
        if (_postponed.Count == 0 && _away.Count == 0)
        {
            _behind = DuePlace.Start;
            _idleUntil = DateTimeOffset.MinValue;
            return;
        }

        _behind = place;
        var next = _postponed.Values.Select(entry => entry.Next).Concat(_away.Values.Select(away => away.Until)).Min();
        var ahead = await store.DueAsync(id, place, long.MaxValue, limit: 1, stop);
        if (ahead.Records is [var first])
        {
            var due = DateTimeOffset.FromUnixTimeMilliseconds(first.Record.Due!.Value);
            next = due < next ? due : next;
        }

        _idleUntil = next > now ? next : now;
    }

    /// <summary>Something that waits is to be tried again; or the clock was set back, so that all is looked at anew.</summary>
    private bool IsAnyPauseOver()
    {
        var now = time.GetUtcNow();
        return _behind.Due > now.ToUnixTimeMilliseconds()
            || _postponed.Values.Any(entry => !IsAhead(entry.Next, now))
            || _away.Values.Any(away => !IsAhead(away.Until, now));
    }

    /// <summary>Whether a pause goes on. Further away than any pause: the clock has been set back since, and it is over.</summary>
    private static bool IsAhead(DateTimeOffset until, DateTimeOffset now) =>
        until > now && until - now <= LongestPause * 2;

    private static TimeSpan Longer(TimeSpan pause, TimeSpan longest) => pause * 2 < longest ? pause * 2 : longest;

    private static TimeSpan WithJitter(TimeSpan pause) => pause * (1 + RandomNumberGenerator.GetInt32(250) / 1000.0);

    /// <summary>A record, as it was when it could not be handled, and when it is tried next.</summary>
    private readonly record struct Postponement(DateTimeOffset Next, TimeSpan Pause, long Version);

    /// <summary>Until when a folder is left alone.</summary>
    private readonly record struct Absence(DateTimeOffset Until, TimeSpan Pause);
}
