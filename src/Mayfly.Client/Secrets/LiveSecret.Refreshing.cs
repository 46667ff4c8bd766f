using Microsoft.Extensions.Logging;

namespace Mayfly.Client.Secrets;

/// <content>
/// How the value is kept fresh. One run at a time reads the source and applies what came (<see cref="UpdateAsync"/>); one timer
/// starts the next run and takes away a value that is too old. All of what is guarded by the gate changes there alone.
/// </content>
public sealed partial class LiveSecret
{
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(20);

    private readonly Lock _gate = new();
    private readonly SingleFlight<SecretSourceException?> _flight;
    private readonly ITimer _timer;

    private Entry? _entry;
    private SecretSourceException? _failure;
    private int _failures;

    // When the next run is due, and when it was last heard that the secret has changed.
    private long _nextAt = long.MaxValue;
    private long _noticedAt = long.MinValue;

    // The next run is to renew the lease, unless somebody wants a new value.
    private bool _isRenewalDue;
    private bool _isFetchWanted;

    private Task<SecretSourceException?>? _invalidation;
    private TaskCompletionSource _change = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The run under way ends, or there is none.</summary>
    internal Task IdleAsync() => _flight.IdleAsync();

    /// <summary>It has been heard that the secret has changed, or may have: read it again within <paramref name="spread"/>.</summary>
    internal void Notice(TimeSpan spread)
    {
        lock (_gate)
        {
            // What was made for this program alone changes for nobody else, and others' credentials are none of its business.
            if (_entry is { Lease: null } || (_entry is null && _failures > 0))
            {
                _noticedAt = _options.Time.GetTimestamp();
                HurryTo(After(_noticedAt, RefreshSchedule.Spread(spread)));
            }
        }
    }

    /// <summary>What was made for this program ends before its time: replace it.</summary>
    internal void ReplaceLeased()
    {
        lock (_gate)
        {
            if (_entry is { Lease: not null } entry)
            {
                _entry = entry with { MayRenew = false };
                HurryTo(After(_options.Time.GetTimestamp(), RefreshSchedule.Spread(_options.ChangeSpread)));
            }
        }
    }

    /// <summary>Changes cannot be heard of any more: look for them.</summary>
    internal void Poll()
    {
        lock (_gate)
        {
            if (_entry is { Lease: null } && _options.PollInterval is { } interval)
            {
                HurryTo(After(_options.Time.GetTimestamp(), RefreshSchedule.Spread(interval)));
            }
        }
    }

    /// <summary>Stops the timer, lets go of the value, and gives the lease that is left.</summary>
    internal SecretLease? End()
    {
        lock (_gate)
        {
            _timer.Dispose();
            _current = null;
            _change.TrySetResult();
            var lease = _entry?.Lease;
            _entry = null;
            return lease;
        }
    }

    private Task<SecretSourceException?> Refetch()
    {
        _owner.ThrowIfDisposed();
        _owner.StartWatching();
        lock (_gate)
        {
            _isFetchWanted = true;
        }

        return _flight.Afterwards();
    }

    /// <summary>One run: reads the source, or renews the lease, and applies what came. Gives the failure, or null.</summary>
    private async Task<SecretSourceException?> UpdateAsync(CancellationToken stop)
    {
        var begun = _options.Time.GetTimestamp();
        try
        {
            if (ToRenew() is { } lease && await TryRenewAsync(lease, begun, stop))
            {
                return null;
            }

            var fetched = await FetchAsync(stop);
            var value = Apply(fetched, begun);
            Keep(fetched);
            _report.Repeat(value);
            return null;
        }
        catch (SecretSourceException failure)
        {
            Apply(failure);
            if (failure.Reason is SecretFailure.NotFound or SecretFailure.Denied)
            {
                Keep(null);
            }

            return failure;
        }
    }

    /// <summary>Reads the source. At a start with a kept value, hands that out when the source takes long or is away.</summary>
    private async Task<FetchedSecret> FetchAsync(CancellationToken stop)
    {
        var fetch = _owner.Source.FetchAsync(Name, stop);
        if (Kept() is not { } kept)
        {
            return await fetch;
        }

        using var late = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (await Task.WhenAny(fetch, Task.Delay(_options.StartPatience, _options.Time, late.Token)) != fetch)
        {
            Publish(kept);
        }

        await late.CancelAsync();
        try
        {
            return await fetch;
        }
        catch (SecretSourceException failure)
            when (failure.Reason is SecretFailure.Unreachable or SecretFailure.Throttled)
        {
            Publish(kept);
            throw;
        }
    }

    /// <summary>The value that was kept on disk, as long as there has been none of the source.</summary>
    private KeptSecret? Kept()
    {
        if (_options.LastKnownGood is not { } folder || _entry is not null)
        {
            return null;
        }

        var kept = folder.Load(
            _owner.Source.Source.Id,
            Name,
            _options.Time.GetUtcNow(),
            _ttl + _maxStale,
            out var reason
        );
        if (reason is not null)
        {
            _options.Logger?.LogWarning("{Secret}: the last known value is not used: {Reason}.", Name, reason);
        }

        return kept;
    }

    private void Publish(KeptSecret kept)
    {
        SecretValue value;
        lock (_gate)
        {
            if (_entry is not null || _owner.IsDisposed)
            {
                return;
            }

            value = new SecretValue(Name, kept.Secret, _owner.Digest.Of(kept.Secret));
            value.Register();
            var now = _options.Time.GetTimestamp();
            var age = _options.Time.GetUtcNow() - kept.ReadAt;
            _entry = new Entry(value, After(now, -age), now, After(now, kept.UsableFor), now, null, false);
            _current = value;
            Arm();
        }

        _options.Logger?.LogWarning("{Secret}: the source does not answer; the last known value is used.", Name);
        Announce(null, value);
    }

    /// <summary>Keeps the value on disk for the next start, or nothing when there is nothing to be kept any more.</summary>
    private void Keep(FetchedSecret? fetched)
    {
        if (_options.LastKnownGood is not { } folder)
        {
            return;
        }

        try
        {
            var source = _owner.Source.Source.Id;
            if (fetched is { Lease: null })
            {
                var usable = RefreshSchedule.Ttl(_ttl, fetched.Ttl) + _maxStale;
                folder.Save(source, Name, fetched, _options.Time.GetUtcNow(), usable);
            }
            else
            {
                folder.Remove(source, Name);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            _options.Logger?.LogWarning(
                "{Secret}: the value could not be kept for the next start: {Reason}",
                Name,
                failure.Message
            );
        }
    }

    private SecretLease? ToRenew()
    {
        lock (_gate)
        {
            var lease = _isRenewalDue && !_isFetchWanted ? _entry?.Lease : null;
            _isRenewalDue = false;
            _isFetchWanted = false;
            return lease;
        }
    }

    private async Task<bool> TryRenewAsync(SecretLease lease, long begun, CancellationToken stop)
    {
        try
        {
            var renewed = await _owner.Source.RenewAsync(Name, lease, stop);
            if (renewed.Duration <= TimeSpan.Zero)
            {
                // Less than a second is left, as seconds are told: what is known of its end from before still holds.
                return false;
            }

            lock (_gate)
            {
                if (_entry is null)
                {
                    return true;
                }

                // A lease that is cut short will not live past its greatest age: the next step is a new credential. Seconds may
                // have been rounded, but what is a second of an hour is a third of three seconds.
                var rounding = RefreshSchedule.Least(TimeSpan.FromSeconds(1), lease.Duration / 10);
                var isCut = renewed.Duration < lease.Duration - rounding;
                Succeeded(Leased(_entry.Value, lease, renewed.Duration, renewed.IsRenewable && !isCut, begun), begun);
            }

            return true;
        }
        catch (SecretSourceException refusal)
            when (refusal.Reason is not (SecretFailure.Unreachable or SecretFailure.Throttled))
        {
            return false;
        }
    }

    /// <summary>What the source gave becomes the value. Gives it, or the one before when that is the same.</summary>
    private SecretValue Apply(FetchedSecret fetched, long begun)
    {
        var digest = _owner.Digest.Of(fetched);
        var value = new SecretValue(Name, fetched, digest);
        SecretValue? previous;
        SecretLease? replaced;
        lock (_gate)
        {
            if (_owner.IsDisposed)
            {
                previous = value;
                replaced = fetched.Lease;
            }
            else
            {
                previous = _entry?.Value;
                replaced = _entry?.Lease;
                if (previous is not null && IsSame(previous, value))
                {
                    value = previous;
                }
                else
                {
                    value.Register();
                }

                Succeeded(
                    fetched.Lease is { } lease && lease.Duration > TimeSpan.Zero
                        ? Leased(value, lease, lease.Duration, lease.IsRenewable, begun)
                        : Stored(value, RefreshSchedule.Ttl(_ttl, fetched.Ttl), begun),
                    begun
                );
            }
        }

        if (replaced is not null)
        {
            _owner.Leases.Replaced(Name, replaced);
        }

        if (!ReferenceEquals(previous, value))
        {
            Announce(previous, value);
        }

        return value;
    }

    private void Apply(SecretSourceException failure)
    {
        _options.Logger?.LogWarning("{Failure}", failure.Message);
        lock (_gate)
        {
            _failure = failure;
            _failures++;
            _nextAt = After(
                _options.Time.GetTimestamp(),
                RefreshSchedule.Retry(_failures, _options.LongestBackOff, failure.RetryAfter)
            );
            Arm();
        }
    }

    private static bool IsSame(SecretValue one, SecretValue other) =>
        one.Lease is null && other.Lease is null && one.Version == other.Version && one.HasContentOf(other);

    private Entry Stored(SecretValue value, TimeSpan ttl, long begun)
    {
        var refresh = RefreshSchedule.Refresh(ttl, _options.RefreshAt, _options.Jitter);
        if (!_owner.IsWatching && _options.PollInterval is { } interval && interval < refresh)
        {
            refresh = interval - RefreshSchedule.Spread(interval * _options.Jitter);
        }

        if (_owner.Reports && refresh > RefreshSchedule.ConsumerLifeSign)
        {
            refresh = RefreshSchedule.ConsumerLifeSign;
        }

        return new Entry(
            value,
            begun,
            After(begun, ttl),
            After(begun, ttl + _maxStale),
            After(begun, refresh),
            null,
            false
        );
    }

    private Entry Leased(SecretValue value, SecretLease lease, TimeSpan duration, bool mayRenew, long begun)
    {
        var end = After(begun, duration);
        // One that was renewable has come to its greatest age: what is left of it is short.
        var next = lease.IsRenewable
            ? RefreshSchedule.Renewal(duration)
            : RefreshSchedule.Replacement(duration, _options.ReplaceAt);
        return new Entry(value, begun, end, end, After(begun, next), lease, mayRenew);
    }

    /// <summary>The source answered. Holds the gate.</summary>
    private void Succeeded(Entry entry, long begun)
    {
        _entry = entry;
        _failure = null;
        _failures = 0;
        _isRenewalDue = false;
        _current = _options.Time.GetTimestamp() < entry.ExpireAt ? entry.Value : null;
        _nextAt =
            _noticedAt > begun ? After(_noticedAt, RefreshSchedule.Spread(_options.ChangeSpread)) : entry.RefreshAt;
        Arm();
    }

    private void OnTimer()
    {
        lock (_gate)
        {
            if (_owner.IsDisposed)
            {
                return;
            }

            var now = _options.Time.GetTimestamp();
            if (_current is not null && now >= _entry!.ExpireAt)
            {
                _current = null;
                _options.Logger?.LogError("{Secret}: the last value is too old to be used.", Name);
            }

            if (now >= _nextAt)
            {
                _nextAt = long.MaxValue;
                _isRenewalDue = _entry is { MayRenew: true };
                // Never the run under way: it may have applied what it read, and will not set the timer again.
                _ = _flight.Now();
            }

            Arm();
        }
    }

    private void HurryTo(long at)
    {
        if (at < _nextAt)
        {
            _nextAt = at;
            Arm();
        }
    }

    /// <summary>Sets the timer to what is due next. Holds the gate.</summary>
    private void Arm()
    {
        var due = _current is null ? _nextAt : Math.Min(_nextAt, _entry!.ExpireAt);
        if (due == long.MaxValue || _owner.IsDisposed)
        {
            return;
        }

        var now = _options.Time.GetTimestamp();
        var wait = due <= now ? TimeSpan.Zero : _options.Time.GetElapsedTime(now, due);
        // Timers count milliseconds: one that rings early would ring twice.
        wait = TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds));
        _timer.Change(wait < LongestTimer ? wait : LongestTimer, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Tells everybody who wants to know of a new value. Runs come one after the other, and so do announcements.</summary>
    private void Announce(SecretValue? previous, SecretValue value)
    {
        Interlocked
            .Exchange(ref _change, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))
            .TrySetResult();
        var isHeard = false;
        try
        {
            if (Changed is { } changed)
            {
                changed(this, new SecretChangedEventArgs(previous, value));
                isHeard = true;
            }
        }
#pragma warning disable CA1031 // A handler of the program's must not end the refreshing; its failure is told.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            // Its message may hold the value that the handler was given.
            _options.Logger?.LogError(
                "{Secret}: a handler of a change failed with {Failure}.",
                Name,
                failure.GetType().Name
            );
        }

        if (isHeard)
        {
            Given(value);
        }
    }

    private long After(long timestamp, TimeSpan span)
    {
        var later = timestamp + (span.TotalSeconds * _options.Time.TimestampFrequency);
        return later >= long.MaxValue ? long.MaxValue : (long)later;
    }

    /// <summary>What is known of the value. Timestamps are the monotonic clock's.</summary>
    /// <param name="Value">What readers get.</param>
    /// <param name="ReadAt">When the read of the source began.</param>
    /// <param name="StaleAt">The end of its TTL.</param>
    /// <param name="ExpireAt">From when on it must not be handed out.</param>
    /// <param name="RefreshAt">When it is to be read again, or its lease renewed.</param>
    /// <param name="Lease">The lease as it was first given; null for what is simply stored.</param>
    /// <param name="MayRenew">Refreshing means renewing the lease; otherwise reading.</param>
    private sealed record Entry(
        SecretValue Value,
        long ReadAt,
        long StaleAt,
        long ExpireAt,
        long RefreshAt,
        SecretLease? Lease,
        bool MayRenew
    );
}
