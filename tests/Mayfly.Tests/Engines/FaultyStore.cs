using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;

namespace Mayfly.Tests.Engines;

/// <summary>A store that lets other callers run in between, and stops writing when a test says so.</summary>
internal sealed class FaultyStore(MemoryStore store) : IStore
{
    private int _commitsLeft = int.MaxValue;

    public string Type => store.Type;

    /// <summary>What was read comes back after this.</summary>
    public Task HoldReads { get; set; } = Task.CompletedTask;

    /// <summary>How many commits failed their precondition.</summary>
    public int Conflicts;

    /// <summary>After so many commits, the store cannot write.</summary>
    public void FailAfter(int commits) => Volatile.Write(ref _commitsLeft, commits);

    public async ValueTask<StoredRecord?> GetAsync(StoreKey key, CancellationToken cancellation)
    {
        await Task.Yield();
        await HoldReads.WaitAsync(cancellation);
        return await store.GetAsync(key, cancellation);
    }

    public async ValueTask<CommitResult> CommitAsync(Batch batch, CancellationToken cancellation)
    {
        await Task.Yield();
        if (Interlocked.Decrement(ref _commitsLeft) < 0)
        {
            return CommitResult.Unavailable("the disk is full");
        }

        var result = await store.CommitAsync(batch, cancellation);
        if (result.Status == CommitStatus.Conflict)
        {
            Interlocked.Increment(ref Conflicts);
        }

        return result;
    }

    public ValueTask<IReadOnlyList<Child>> ListAsync(StoreKey folder, CancellationToken cancellation) =>
        store.ListAsync(folder, cancellation);

    public ValueTask<IReadOnlyList<KeyedRecord>> ScanAsync(
        StoreKey prefix,
        StoreKey? after,
        int limit,
        CancellationToken cancellation
    ) => store.ScanAsync(prefix, after, limit, cancellation);

    public ValueTask<IReadOnlyList<KeyedRecord>> DueAsync(long until, int limit, CancellationToken cancellation) =>
        store.DueAsync(until, limit, cancellation);

    public ValueTask<long?> NextDueAsync(CancellationToken cancellation) => store.NextDueAsync(cancellation);

    public ValueTask<long> CountAsync(StoreKey prefix, CancellationToken cancellation) =>
        store.CountAsync(prefix, cancellation);

    public IDisposable Observe(Action<CommittedBatch> observer) => store.Observe(observer);

    public ValueTask DisposeAsync() => store.DisposeAsync();
}
