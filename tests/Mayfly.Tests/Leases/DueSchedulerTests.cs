using Mayfly.Core.Leases;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mayfly.Tests.Leases;

public sealed class DueSchedulerTests
{
    [Fact]
    public async Task Postponed_record_that_ended_by_other_hands_is_forgotten()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var time = new ManualTime();
        await using var store = new MemoryStore();
        var stuck = StoreKey.Root.Append("stuck");
        var revoked = StoreKey.Root.Append("revoked");
        var batch = new Batch();
        batch.Put(stuck, "a"u8.ToArray(), time.GetUtcNow().ToUnixTimeMilliseconds());
        batch.Put(revoked, "b"u8.ToArray(), time.GetUtcNow().ToUnixTimeMilliseconds());
        await store.CommitAsync(batch, cancellation);
        await using var due = new DueScheduler(
            store,
            time,
            NullLogger.Instance,
            (_, _) => throw new InvalidOperationException("not now")
        );
        await due.RunDueAsync(cancellation);
        Assert.Equal(2, due.Postponed);

        var delete = new Batch();
        delete.Delete(revoked);
        await store.CommitAsync(delete, cancellation);
        time.Advance(TimeSpan.FromSeconds(5));
        await due.RunDueAsync(cancellation);

        Assert.Equal(1, due.Postponed);
    }
}
