namespace Mayfly.Core.Storage;

/// <summary>
/// Writes that are committed together or not at all. At most one write per key. A precondition names the version that a
/// key must have: 0 for "does not exist", null for "whatever it is". Not safe for concurrent use.
/// </summary>
public sealed class Batch
{
    private readonly List<Write> _writes = [];

    public IReadOnlyList<Write> Writes => _writes;

    public bool IsEmpty => _writes.Count == 0;

    public void Put(StoreKey key, ReadOnlyMemory<byte> value, long? due = null, long? expectedVersion = null) =>
        _writes.Add(new Write(WriteKind.Put, key, value, due, expectedVersion));

    public void Delete(StoreKey key, long? expectedVersion = null) =>
        _writes.Add(new Write(WriteKind.Delete, key, default, null, expectedVersion));

    /// <summary>Writes nothing, but the commit is refused unless the key has that version.</summary>
    public void Expect(StoreKey key, long expectedVersion) =>
        _writes.Add(new Write(WriteKind.Expect, key, default, null, expectedVersion));
}

/// <summary>What a <see cref="Write"/> does.</summary>
public enum WriteKind
{
    Put,
    Delete,
    Expect,
}

/// <summary>One line of a <see cref="Batch"/>.</summary>
public readonly record struct Write(
    WriteKind Kind,
    StoreKey Key,
    ReadOnlyMemory<byte> Value,
    long? Due,
    long? ExpectedVersion
);

/// <summary>How a commit ended.</summary>
public enum CommitStatus
{
    /// <summary>Durable, and visible to every later read.</summary>
    Committed,

    /// <summary>A precondition did not hold; nothing was written.</summary>
    Conflict,

    /// <summary>The store cannot write now (full disk, failed sync, closed); nothing was written.</summary>
    Unavailable,
}

/// <summary>How a commit ended, with what belongs to it.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Sequence">The commit's sequence number, which is the version of everything that it wrote; 0 otherwise.</param>
/// <param name="Reason">For an operator: why the store cannot write. Holds no secret.</param>
public readonly record struct CommitResult(CommitStatus Status, long Sequence, string? Reason)
{
    public bool Succeeded => Status == CommitStatus.Committed;

    public static CommitResult Committed(long sequence) => new(CommitStatus.Committed, sequence, null);

    public static CommitResult Conflict() => new(CommitStatus.Conflict, 0, null);

    public static CommitResult Unavailable(string reason) => new(CommitStatus.Unavailable, 0, reason);
}
