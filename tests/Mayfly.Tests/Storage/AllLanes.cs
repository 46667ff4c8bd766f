using Mayfly.Core.Storage;

namespace Mayfly.Tests.Storage;

/// <summary>What is due in all lanes together, for tests that care for none.</summary>
internal static class AllLanes
{
    public static async ValueTask<IReadOnlyList<KeyedRecord>> DueAsync(
        this IStore store,
        long until,
        int limit,
        CancellationToken cancellation
    )
    {
        var found = new List<KeyedRecord>();
        foreach (var lane in await store.DueLanesAsync(cancellation))
        {
            found.AddRange(await store.DueAsync(lane.Lane, until, limit, cancellation));
        }

        return [.. found.OrderBy(record => record.Record.Due).Take(limit)];
    }

    /// <summary>The first that are due in one lane.</summary>
    public static async ValueTask<IReadOnlyList<KeyedRecord>> DueAsync(
        this IStore store,
        long lane,
        long until,
        int limit,
        CancellationToken cancellation
    ) => (await store.DueAsync(lane, DuePlace.Start, until, limit, cancellation)).Records;

    public static async ValueTask<long?> NextDueAsync(this IStore store, CancellationToken cancellation)
    {
        var lanes = await store.DueLanesAsync(cancellation);
        return lanes.Count == 0 ? null : lanes.Min(lane => lane.Due);
    }
}
