using Mayfly.Core.Storage;

namespace Mayfly.Tests.Storage;

/// <summary>Passes everything on to another store; tests override what they want to go otherwise.</summary>
internal abstract class ForwardingStore(IStore store) : IStore
{
    public string Type => store.Type;

    public virtual ValueTask<StoredRecord?> GetAsync(StoreKey key, CancellationToken cancellation) =>
        store.GetAsync(key, cancellation);

    public ValueTask<IReadOnlyList<Child>> ListAsync(StoreKey folder, CancellationToken cancellation) =>
        store.ListAsync(folder, cancellation);

    public ValueTask<IReadOnlyList<KeyedRecord>> ScanAsync(
        StoreKey prefix,
        StoreKey? after,
        int limit,
        CancellationToken cancellation
    ) => store.ScanAsync(prefix, after, limit, cancellation);

    public ValueTask<DuePage> DueAsync(
        long lane,
        DuePlace after,
        long until,
        int limit,
        CancellationToken cancellation
    ) => store.DueAsync(lane, after, until, limit, cancellation);

    public ValueTask<IReadOnlyList<DueLane>> DueLanesAsync(CancellationToken cancellation) =>
        store.DueLanesAsync(cancellation);

    public ValueTask<long> CountAsync(StoreKey prefix, CancellationToken cancellation) =>
        store.CountAsync(prefix, cancellation);

    public virtual ValueTask<CommitResult> CommitAsync(Batch batch, CancellationToken cancellation) =>
        store.CommitAsync(batch, cancellation);

    public IDisposable Observe(Action<CommittedBatch> observer) => store.Observe(observer);

    public ValueTask DisposeAsync() => store.DisposeAsync();
}
