using Mayfly.Core.Identity;
using Mayfly.Core.Leases;
using Mayfly.Core.Mounts;
using Mayfly.Core.Rotation;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core;

/// <summary>Hands records that have come due to whom they belong. Safe for concurrent use.</summary>
internal sealed class DueOwners(
    TokenStore tokens,
    LeaseTable leases,
    PrefixRevocations revocations,
    MountRegistry mounts,
    Rotations rotations,
    ILogger log
)
{
    /// <inheritdoc cref="DueHandler"/>
    public async ValueTask<DueWork> HandleAsync(IReadOnlyList<KeyedRecord> records, CancellationToken cancellation)
    {
        if (records[0].Key.StartsWith(leases.View.Root))
        {
            return await leases.Expiry.DueAsync(Below(leases.View.Root), cancellation);
        }

        if (records[0].Key.StartsWith(tokens.View.Root))
        {
            await EachOnDamageAsync(Below(tokens.View.Root), ExpireAsync);
            return DueWork.Done;
        }

        foreach (var record in records)
        {
            // One that cannot be handled must not keep the others of its lane.
            await TryAsync(() => HandleAsync(record, cancellation));
        }

        return DueWork.Done;

        ValueTask ExpireAsync(IReadOnlyList<KeyedRecord> due) =>
            tokens.Revoker.ExpireAsync(due.Select(record => tokens.View.PathOf(record.Key)!), cancellation);

        // Two lanes may fall together: what belongs to the other one comes again.
        IReadOnlyList<KeyedRecord> Below(StoreKey root) =>
            records.All(record => record.Key.StartsWith(root))
                ? records
                : [.. records.Where(record => record.Key.StartsWith(root))];
    }

    private async ValueTask HandleAsync(KeyedRecord record, CancellationToken cancellation)
    {
        if (record.Key.StartsWith(revocations.Root))
        {
            await revocations.DueAsync(revocations.PathOf(record.Key), leases.CleanAsync, cancellation);
        }
        else if (record.Key.StartsWith(mounts.Root))
        {
            await mounts.FinishRemovalAsync(record.Key, cancellation);
        }
        else if (record.Key.StartsWith(MountRegistry.DataRoot))
        {
            await mounts.DueAsync(record.Key, cancellation);
        }
        else if (record.Key.StartsWith(rotations.Records.View.Root))
        {
            rotations.OnDue(record.Key);
        }
    }

    /// <summary>All together; one after another when one of them is damaged.</summary>
    private async ValueTask EachOnDamageAsync(
        IReadOnlyList<KeyedRecord> records,
        Func<IReadOnlyList<KeyedRecord>, ValueTask> act
    )
    {
        try
        {
            await act(records);
        }
        catch (StoreCorruptException)
        {
            foreach (var record in records)
            {
                await TryAsync(() => act([record]));
            }
        }
    }

    private async ValueTask TryAsync(Func<ValueTask> act)
    {
        try
        {
            await act();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.LogWarning(e, "a record that came due could not be handled; trying again later");
        }
    }
}
