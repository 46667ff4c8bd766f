namespace Mayfly.Core.Storage;

/// <summary>One record as the store holds it. Immutable.</summary>
/// <param name="Value">The envelope: ciphertext to everyone but the barrier.</param>
/// <param name="Version">Sequence number of the commit that wrote it: the value to expect in a precondition.</param>
/// <param name="Due">
/// When something is to happen to the record (Unix time in milliseconds), or null. The one thing kept in clear, since the
/// store orders by it.
/// </param>
public sealed record StoredRecord(ReadOnlyMemory<byte> Value, long Version, long? Due);

/// <summary>A record with its address, as scans return it.</summary>
public readonly record struct KeyedRecord(StoreKey Key, StoredRecord Record);

/// <summary>A name directly below a folder. The same segment may be both a record and a folder: then it appears twice.</summary>
public readonly record struct Child(ReadOnlyMemory<byte> Segment, bool IsFolder);
