using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Crypto;
using Barrier = Mayfly.Core.Storage.Barrier;

namespace Mayfly.Tests.Storage;

public sealed class ViewExistsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_record_exists_from_its_commit_to_its_deletion()
    {
        await using var store = new MemoryStore();
        using var keyring = Keyring.Generate();
        using var barrier = new Barrier(store, keyring);
        var view = new View(barrier, StoreKey.Root.Append("test"));
        Assert.False(await view.ExistsAsync("a/b", Cancellation));
        await view.PutAsync("a/b", "value"u8, Cancellation);
        Assert.True(await view.ExistsAsync("a/b", Cancellation));
        Assert.False(await view.ExistsAsync("a", Cancellation));
        await view.DeleteAsync("a/b", Cancellation);
        Assert.False(await view.ExistsAsync("a/b", Cancellation));
    }

    [Fact]
    public async Task A_damaged_record_is_an_error_and_no_answer()
    {
        await using var store = new MemoryStore();
        using var keyring = Keyring.Generate();
        var key = StoreKey.Root.Append("test");
        var batch = new Batch();
        batch.Put(key, new byte[200]);
        await store.CommitAsync(batch, Cancellation);
        using var barrier = new Barrier(store, keyring);
        await Assert.ThrowsAsync<StoreCorruptException>(async () => await barrier.ExistsAsync(key, Cancellation));
    }
}
