using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Tests.Storage;

namespace Mayfly.Tests.Engines;

/// <summary>A store that lets other callers run in between, and stops writing when a test says so.</summary>
internal sealed class FaultyStore(MemoryStore store) : ForwardingStore(store)
{
    private int _commitsLeft = int.MaxValue;

    /// <summary>What was read comes back after this.</summary>
    public Task HoldReads { get; set; } = Task.CompletedTask;

    /// <summary>How many commits failed their precondition.</summary>
    public int Conflicts;

    /// <summary>After so many commits, the store cannot write.</summary>
    public void FailAfter(int commits) => Volatile.Write(ref _commitsLeft, commits);

    public override async ValueTask<StoredRecord?> GetAsync(StoreKey key, CancellationToken cancellation)
    {
        await Task.Yield();
        await HoldReads.WaitAsync(cancellation);
        return await base.GetAsync(key, cancellation);
    }

    public override async ValueTask<CommitResult> CommitAsync(Batch batch, CancellationToken cancellation)
    {
        await Task.Yield();
        if (Interlocked.Decrement(ref _commitsLeft) < 0)
        {
            return CommitResult.Unavailable("the disk is full");
        }

        var result = await base.CommitAsync(batch, cancellation);
        if (result.Status == CommitStatus.Conflict)
        {
            Interlocked.Increment(ref Conflicts);
        }

        return result;
    }
}
