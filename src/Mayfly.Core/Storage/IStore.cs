namespace Mayfly.Core.Storage;

/// <summary>
/// Where records live. All of it is safe for concurrent use. A read sees every commit that was acknowledged before the
/// read began. Nothing above this contract knows which store it is; every implementation passes
/// <c>StoreContract</c> in the tests.
/// </summary>
public interface IStore : IAsyncDisposable
{
    /// <summary>The name that <c>sys/seal-status</c> shows as <c>storage_type</c>.</summary>
    string Type { get; }

    /// <summary>The record, or null where there is none.</summary>
    /// <exception cref="StoreCorruptException">The data file is damaged where the record stands.</exception>
    ValueTask<StoredRecord?> GetAsync(StoreKey key, CancellationToken cancellation);

    /// <summary>The names directly below <paramref name="folder"/>, in no promised order.</summary>
    /// <exception cref="StoreCorruptException">The data file is damaged where the names stand.</exception>
    ValueTask<IReadOnlyList<Child>> ListAsync(StoreKey folder, CancellationToken cancellation);

    /// <summary>Up to <paramref name="limit"/> records below <paramref name="prefix"/> in key order, after <paramref name="after"/>.</summary>
    /// <exception cref="StoreCorruptException">The data file is damaged where the records stand.</exception>
    ValueTask<IReadOnlyList<KeyedRecord>> ScanAsync(
        StoreKey prefix,
        StoreKey? after,
        int limit,
        CancellationToken cancellation
    );

    /// <summary>
    /// Up to <paramref name="limit"/> records of a lane (see <see cref="StoreKey.Lane"/>) whose due time is at or before
    /// <paramref name="until"/>, earliest first, from those that follow <paramref name="after"/>.
    /// </summary>
    /// <exception cref="StoreCorruptException">The data file is damaged where the records stand.</exception>
    ValueTask<DuePage> DueAsync(long lane, DuePlace after, long until, int limit, CancellationToken cancellation);

    /// <summary>
    /// The lanes that have records with a due time, each with its earliest, in no promised order. Costs as much as there are
    /// lanes, however many records they have.
    /// </summary>
    ValueTask<IReadOnlyList<DueLane>> DueLanesAsync(CancellationToken cancellation);

    /// <summary>How many records there are below <paramref name="prefix"/>.</summary>
    ValueTask<long> CountAsync(StoreKey prefix, CancellationToken cancellation);

    /// <summary>
    /// Commits the batch: all or nothing, durable before it returns. Cancellation is honoured only until the batch has been
    /// handed to the writer; after that the result is what happened.
    /// </summary>
    ValueTask<CommitResult> CommitAsync(Batch batch, CancellationToken cancellation);

    /// <summary>
    /// Calls <paramref name="observer"/> for every committed batch, in commit order, before the commit is acknowledged to
    /// its caller. The observer must be quick, and must not call the store. Disposing the result ends it.
    /// </summary>
    IDisposable Observe(Action<CommittedBatch> observer);
}

/// <summary>A lane with the earliest due time in it.</summary>
public readonly record struct DueLane(long Lane, long Due);

/// <summary>
/// Where a record stands among those of its lane: by its due time, and among those of the same time in an order of the store's
/// own, which stays as long as the record does.
/// </summary>
/// <param name="Due">The due time.</param>
/// <param name="Tie">The store's number for the record.</param>
public readonly record struct DuePlace(long Due, long Tie)
{
    /// <summary>Before all records.</summary>
    public static DuePlace Start { get; } = new(long.MinValue, long.MinValue);
}

/// <summary>Some of the records of a lane that are due.</summary>
/// <param name="Records">Earliest first.</param>
/// <param name="Last">The place of the last of them; where to go on.</param>
public readonly record struct DuePage(IReadOnlyList<KeyedRecord> Records, DuePlace Last);

/// <summary>A batch that has been committed.</summary>
public readonly record struct CommittedBatch(long Sequence, IReadOnlyList<Write> Writes);

/// <summary>Stored bytes are not what was written. The message names what it touches, and holds no secret.</summary>
public sealed class StoreCorruptException : Exception
{
    public StoreCorruptException(string message, Exception? inner = null)
        : base(message, inner) { }
}

/// <summary>
/// The store cannot be opened or read now: another server has it, the disk fails, a file is missing. The message is for
/// the operator: it says what to do, and holds no secret.
/// </summary>
public sealed class StoreUnavailableException : Exception
{
    public StoreUnavailableException(string message, Exception? inner = null)
        : base(message, inner) { }
}
