using System.Security.Cryptography;
using Mayfly.Core.Engines;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Leases;

/// <summary>
/// Ends leases: lets the engine end what stands behind one, and only then removes its record. What fails is tried again,
/// ever later, for about a day; then it stays as irrevocable, with the reason. Safe for concurrent use.
/// </summary>
internal sealed class LeaseRevoker(
    LeaseStore store,
    LeaseLocks locks,
    LateRenewals late,
    MountRegistry mounts,
    LeaseMetrics metrics,
    TimeProvider time,
    ILogger log
)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(4);

    /// <summary>How many leases of one mount are ended at a time.</summary>
    public const int AtOnce = 16;

    private const int PerCommit = 512;

    /// <summary>Of how many engines of a mount that is tuned again and again one lease is asked for.</summary>
    private const int MostEngines = 8;

    /// <summary>With the pauses between them, they take about a day.</summary>
    public const int MostAttempts = 17;

    /// <summary>Ends a lease now. Fine when it is gone.</summary>
    /// <returns>Why it could not be ended; it is tried again then.</returns>
    public async ValueTask<Fault?> RevokeAsync(string path, CancellationToken cancellation)
    {
        using var held = await locks.HoldAsync(path, cancellation);
        var lease = await store.FindAsync(path, cancellation);
        if (lease?.Entry.Due > time.GetUtcNow())
        {
            // Durable before the engine acts: a crash between its act and the removal of the record would leave a lease that
            // looks alive, with nothing behind it.
            if (await RevokeSoonAsync(path, cancellation) is { } fault)
            {
                return fault;
            }

            lease = await store.FindAsync(path, cancellation);
        }

        return lease is null ? null : await EndAsync(lease, cancellation);
    }

    /// <summary>Ends a lease now, and forgets it also when that does not work.</summary>
    /// <param name="path">Where it stands.</param>
    /// <param name="call">Whether to ask the engine at all.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Why what stands behind it may still be there, or null.</returns>
    public async ValueTask<Fault?> ForgetAsync(string path, bool call, CancellationToken cancellation)
    {
        using var held = await locks.HoldAsync(path, cancellation);
        if (await store.FindAsync(path, cancellation) is not { } lease)
        {
            return null;
        }

        using var limit = new CallLimit(time, cancellation);
        var fault = call
            ? await CallAsync(lease, limit, cancellation)
            : Fault.Unavailable("its engine was not asked again");
        if (fault is not null)
        {
            log.LogError(
                "lease {Lease} was forgotten by force, and what it stands for may still exist: {Reason}",
                lease.Entry.Id,
                string.Join("; ", fault.Messages)
            );
        }

        var batch = new Batch();
        store.Delete(batch, lease);
        var result = await store.CommitAsync(batch, cancellation);
        Removed(result, lease);
        return result.Succeeded ? fault : Fault.From(result);
    }

    /// <summary>Makes a lease one that is being revoked, durably, and lets the scheduler do it. Fine when it is gone.</summary>
    public async ValueTask<Fault?> RevokeSoonAsync(string path, CancellationToken cancellation)
    {
        while (await store.FindAsync(path, cancellation) is { } lease)
        {
            var batch = new Batch();
            store.Change(batch, lease, Ending(lease.Entry));
            var result = await store.CommitAsync(batch, cancellation);
            if (result.Status != CommitStatus.Conflict)
            {
                metrics.Irrevocable(result.Succeeded && lease.Entry.State == LeaseState.Irrevocable ? -1 : 0);
                return result.Succeeded ? null : Fault.From(result);
            }
        }

        return null;
    }

    /// <summary>Makes leases ones that are being revoked, as <see cref="RevokeSoonAsync(string, CancellationToken)"/> for one.</summary>
    public async ValueTask<Fault?> RevokeSoonAsync(IReadOnlyList<string> paths, CancellationToken cancellation)
    {
        foreach (var chunk in paths.Chunk(PerCommit))
        {
            var batch = new Batch();
            var irrevocable = 0;
            foreach (var path in chunk)
            {
                if (await store.FindAsync(path, cancellation) is { } lease)
                {
                    store.Change(batch, lease, Ending(lease.Entry));
                    irrevocable += lease.Entry.State == LeaseState.Irrevocable ? 1 : 0;
                }
            }

            if (batch.IsEmpty)
            {
                continue;
            }

            var result = await store.CommitAsync(batch, cancellation);
            if (result.Status == CommitStatus.Unavailable)
            {
                return Fault.From(result);
            }

            metrics.Irrevocable(result.Succeeded ? -irrevocable : 0);
            if (result.Status == CommitStatus.Conflict)
            {
                foreach (var path in chunk)
                {
                    if (await RevokeSoonAsync(path, cancellation) is { } fault)
                    {
                        return fault;
                    }
                }
            }
        }

        return null;
    }

    /// <summary>Ends what stands behind a lease that has come due. When it has, the record is the caller's to remove.</summary>
    /// <param name="lease">As it was read.</param>
    /// <param name="readAt">When, as a timestamp of the clock that nobody sets.</param>
    /// <param name="limit">For the engine.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Whether it has ended; and whether something that its engine depends on is away.</returns>
    public async ValueTask<(bool Ended, bool IsAway)> DueAsync(
        StoredLease lease,
        long readAt,
        CallLimit limit,
        CancellationToken cancellation
    )
    {
        using var held = await locks.HoldAsync(lease.Path, cancellation);
        if (
            lease.Entry.Due > time.GetUtcNow()
            || (late.MayHold(lease.Path, readAt) && !await store.IsAsReadAsync(lease, cancellation))
        )
        {
            return (false, false);
        }

        if (await CallAsync(lease, limit, cancellation) is not { } fault)
        {
            return (true, false);
        }

        await FailedAsync(lease, fault, cancellation);
        return (false, fault.Kind == FaultKind.Unavailable);
    }

    /// <summary>
    /// Turns an intent into a lease that is being revoked, in one commit: also when the lease was stored already.
    /// </summary>
    public async ValueTask UndoAsync(string intent, string reason, CancellationToken cancellation)
    {
        while (await store.FindAsync(intent, cancellation) is { } found)
        {
            var batch = new Batch();
            store.DeleteIntent(batch, intent);
            var path = LeaseStore.Record(
                LeaseStore.MountOf(intent),
                $"{found.Entry.Path}{found.Entry.Id[found.Entry.Id.LastIndexOf('/')..]}"
            );
            if (await store.FindAsync(path, cancellation) is { } lease)
            {
                store.Change(batch, lease, Ending(lease.Entry) with { Reason = reason });
            }
            else
            {
                store.Add(batch, new StoredLease(path, Ending(found.Entry) with { Reason = reason }, Version: 0));
            }

            if ((await store.CommitAsync(batch, cancellation)).Status != CommitStatus.Conflict)
            {
                return;
            }
        }
    }

    /// <summary>At the start: every intent is from a crash, so that nobody has what it stands for.</summary>
    public async ValueTask RecoverAsync(CancellationToken cancellation)
    {
        const int PerScan = 256;
        var recovered = 0;
        foreach (var mount in await store.MountsAsync(cancellation))
        {
            while (true)
            {
                var found = await store.ScanAsync(LeaseStore.IntentsOf(mount), after: null, PerScan, cancellation);
                foreach (var intent in found)
                {
                    await UndoAsync(intent.Path, "the server ended while it was being issued", cancellation);
                    recovered++;
                }

                if (found.Count < PerScan)
                {
                    break;
                }
            }
        }

        if (recovered > 0)
        {
            log.LogWarning("revoking {Count} credentials that were being issued when the server ended", recovered);
        }
    }

    /// <summary>Makes everything that a token owns end, when the token has.</summary>
    public async ValueTask OwnerEndedAsync(string accessor, CancellationToken cancellation)
    {
        var owned = await store.OwnedAsync(accessor, cancellation);
        if (await RevokeSoonAsync([.. owned.Select(line => line.Lease)], cancellation) is { } fault)
        {
            throw new StoreUnavailableException(string.Join("; ", fault.Messages));
        }
    }

    private async ValueTask<Fault?> EndAsync(StoredLease lease, CancellationToken cancellation)
    {
        using var limit = new CallLimit(time, cancellation);
        if (await CallAsync(lease, limit, cancellation) is { } fault)
        {
            await FailedAsync(lease, fault, cancellation);
            return fault;
        }

        var batch = new Batch();
        store.Delete(batch, lease);
        var result = await store.CommitAsync(batch, cancellation);
        Removed(result, lease);
        return result.Succeeded ? null : Fault.From(result);
    }

    private void Removed(CommitResult result, StoredLease lease)
    {
        if (!result.Succeeded)
        {
            return;
        }

        metrics.Revoked(1);
        if (lease.Entry.State == LeaseState.Irrevocable)
        {
            metrics.Irrevocable(-1);
        }
    }

    private async ValueTask<Fault?> CallAsync(StoredLease lease, CallLimit limit, CancellationToken cancellation)
    {
        var uuid = LeaseStore.MountOf(lease.Path);
        for (var attempt = 1; ; attempt++)
        {
            if (mounts.ByUuid(uuid) is not { } mounted)
            {
                return Fault.Unavailable("its mount is gone");
            }

            var fault = await CallAsync(mounted, lease, limit, cancellation);

            // A mount that is tuned gets another engine: that the old one could not do it any more says nothing.
            if (fault is null || attempt == MostEngines || mounts.ByUuid(uuid)?.Engine == mounted.Engine)
            {
                return fault;
            }
        }
    }

    private async ValueTask<Fault?> CallAsync(
        MountedEngine mounted,
        StoredLease lease,
        CallLimit limit,
        CancellationToken cancellation
    )
    {
        if (mounted.Engine is not IIssuesLeases engine)
        {
            return Fault.Unavailable($"the engine at {mounted.Mount.Path} does not know leases");
        }

        try
        {
            return await engine.RevokeAsync(lease.Entry.Leased, limit.Begin());
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Fault.Unavailable($"it was not ended within {CallLimit.Longest.TotalSeconds} s");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // An exception's message could quote what the engine holds.
            log.LogError("revoking a lease of {Mount} met a bug: {Failure}", mounted.Mount.Path, e.GetType().Name);
            return Fault.Conflict($"internal error ({e.GetType().Name})");
        }
    }

    private async ValueTask FailedAsync(StoredLease lease, Fault fault, CancellationToken cancellation)
    {
        var attempts = lease.Entry.Attempts + 1;
        var gaveUp = attempts >= MostAttempts;
        var entry = lease.Entry with
        {
            State = gaveUp ? LeaseState.Irrevocable : LeaseState.Revoking,
            Attempts = attempts,
            Reason = string.Join("; ", fault.Messages),
            NextAttempt = time.GetUtcNow() + Pause(attempts),
        };
        var batch = new Batch();
        store.Change(batch, lease, entry);
        var stored = await store.CommitAsync(batch, cancellation);
        metrics.Failed();
        if (gaveUp)
        {
            metrics.Irrevocable(stored.Succeeded && lease.Entry.State != LeaseState.Irrevocable ? 1 : 0);
            log.LogError("lease {Lease} cannot be revoked and is given up: {Reason}", entry.Id, entry.Reason);
        }
        else
        {
            log.LogWarning("lease {Lease} could not be revoked; trying again: {Reason}", entry.Id, entry.Reason);
        }
    }

    private LeaseEntry Ending(LeaseEntry entry) =>
        entry with
        {
            State = LeaseState.Revoking,
            Attempts = 0,
            NextAttempt = time.GetUtcNow(),
        };

    private static TimeSpan Pause(int attempts)
    {
        var pause = FirstPause * Math.Pow(2, attempts - 1);
        pause = pause < LongestPause ? pause : LongestPause;
        return pause * (1 + RandomNumberGenerator.GetInt32(250) / 1000.0);
    }
}
