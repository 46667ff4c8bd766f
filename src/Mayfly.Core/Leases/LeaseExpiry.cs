using System.Collections.Concurrent;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Leases;

/// <summary>
/// Ends leases that have come due, many together: some are ended at a time, and those that have ended are removed while the next
/// ones are being ended. Safe for concurrent use.
/// </summary>
internal sealed class LeaseExpiry(
    LeaseStore store,
    LeaseRevoker revoker,
    LeaseIssuer issuer,
    LeaseMetrics metrics,
    TimeProvider time,
    ILogger log
)
{
    /// <summary>How many records one commit removes: other writes wait no longer than for one or two of those.</summary>
    private const int PerCommit = 1_024;

    /// <summary>Is called when leases or intents have come due, all of one mount.</summary>
    /// <inheritdoc cref="DueHandler"/>
    public async ValueTask<DueWork> DueAsync(IReadOnlyList<KeyedRecord> records, CancellationToken cancellation)
    {
        KeyedRecord[] due = [.. records];
        var readAt = time.GetTimestamp();
        var away = new AwayFolders();
        var removal = Task.CompletedTask;
        try
        {
            for (var start = 0; start < due.Length; start += PerCommit)
            {
                var part = new ArraySegment<KeyedRecord>(due, start, Math.Min(PerCommit, due.Length - start));
                var ended = await EndAsync(part, away, readAt, cancellation);
                await removal;
                removal = RemoveAsync(ended, cancellation);
            }
        }
        catch
        {
            await removal;
            throw;
        }

        return new DueWork(away.All, removal);
    }

    /// <summary>Ends some at a time, and gives those that have ended.</summary>
    private async Task<IEnumerable<StoredLease>> EndAsync(
        ArraySegment<KeyedRecord> due,
        AwayFolders away,
        long readAt,
        CancellationToken cancellation
    )
    {
        var ended = new StoredLease?[due.Count];
        var next = -1;

        // The first one goes on until an engine makes it wait, and the others take over what it has not begun by then.
        await Task.WhenAll(Enumerable.Range(0, Math.Min(due.Count, LeaseRevoker.AtOnce)).Select(_ => WorkAsync()));
        return ended.OfType<StoredLease>();

        async Task WorkAsync()
        {
            using var limit = new CallLimit(time, cancellation);
            for (int i; (i = Interlocked.Increment(ref next)) < due.Count; )
            {
                ended[i] = await EndAsync(due[i], away, readAt, limit, cancellation);
            }
        }
    }

    /// <summary>The lease, when it has ended.</summary>
    private async ValueTask<StoredLease?> EndAsync(
        KeyedRecord record,
        AwayFolders away,
        long readAt,
        CallLimit limit,
        CancellationToken cancellation
    )
    {
        cancellation.ThrowIfCancellationRequested();
        if (away.Has(record.Key))
        {
            return null;
        }

        StoredLease lease;
        try
        {
            (lease, var isIntent) = store.Open(record);
            if (isIntent)
            {
                await issuer.IntentDueAsync(lease.Path, cancellation);
                return null;
            }
        }
        catch (StoreCorruptException e)
        {
            log.LogError(e, "a lease that came due is damaged, and what it stands for may still exist");
            return null;
        }

        var (isOver, isAway) = await revoker.DueAsync(lease, readAt, limit, cancellation);
        if (isAway)
        {
            away.Add(record.Key);
        }

        return isOver ? lease : null;
    }

    private async Task RemoveAsync(IEnumerable<StoredLease> ended, CancellationToken cancellation)
    {
        var batch = new Batch();
        var count = 0;
        foreach (var lease in ended)
        {
            store.Delete(batch, lease);
            count++;
        }

        if (count == 0)
        {
            return;
        }

        var result = await store.CommitAsync(batch, cancellation);
        if (!result.Succeeded)
        {
            throw new StoreUnavailableException(result.Reason ?? "ended leases could not be removed");
        }

        metrics.Revoked(count);
    }

    /// <summary>Folders of leases of which one could not be ended, since what it depends on is away. Safe for concurrent use.</summary>
    private sealed class AwayFolders
    {
        private readonly ConcurrentDictionary<StoreKey, bool> _folders = new();
        private volatile bool _any;

        public IEnumerable<StoreKey> All => _folders.Keys;

        public bool Has(StoreKey record) => _any && _folders.ContainsKey(record.Folder);

        public void Add(StoreKey record)
        {
            _folders[record.Folder] = true;
            _any = true;
        }
    }
}
