using System.Buffers.Binary;

namespace Mayfly.Core.Engines.Kv;

/// <summary>
/// The record of a key as it is stored, read in place: settings, the states of its versions, custom metadata, and, when it
/// is small, the value of the current version. So a read of the current version takes one record and no parsing.
/// </summary>
/// <remarks>
/// Layout, little-endian: format, flags, created, updated, current version, oldest version, max_versions,
/// delete_version_after, metadata version, length of the custom metadata, number of versions; then for each version
/// created, deletion, destroyed; then custom metadata (JSON) and the value (JSON).
/// </remarks>
internal readonly ref struct StoredKey(ReadOnlySpan<byte> bytes)
{
    public const byte Format = 1;
    public const int FormatAt = 0;
    public const int FlagsAt = 1;
    public const int CreatedAt = 2;
    public const int UpdatedAt = 10;
    public const int CurrentVersionAt = 18;
    public const int OldestVersionAt = 26;
    public const int MaxVersionsAt = 34;
    public const int DeleteAfterAt = 38;
    public const int MetadataVersionAt = 46;
    public const int CustomLengthAt = 54;
    public const int VersionCountAt = 58;
    public const int VersionsAt = 62;
    public const int VersionSize = 17;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public StoredKeyFlags Flags => (StoredKeyFlags)_bytes[FlagsAt];

    public long Created => Long(CreatedAt);

    public long Updated => Long(UpdatedAt);

    /// <summary>Number of the newest version; 0 when nothing was written yet.</summary>
    public long CurrentVersion => Long(CurrentVersionAt);

    /// <summary>Number of the oldest version that is kept, as Vault counts: 0 as long as none had to go.</summary>
    public long OldestVersion => Long(OldestVersionAt);

    public int MaxVersions => Int(MaxVersionsAt);

    public TimeSpan DeleteAfter => new(Long(DeleteAfterAt));

    public long MetadataVersion => Long(MetadataVersionAt);

    public int VersionCount => Int(VersionCountAt);

    /// <summary>A JSON object, or empty when there is none.</summary>
    public ReadOnlySpan<byte> CustomMetadata =>
        _bytes.Slice(VersionsAt + (VersionCount * VersionSize), Int(CustomLengthAt));

    /// <summary>The value of the current version rides in this record.</summary>
    public bool HasValue => (Flags & StoredKeyFlags.HasValue) != StoredKeyFlags.None;

    public ReadOnlySpan<byte> Value => _bytes[(VersionsAt + (VersionCount * VersionSize) + Int(CustomLengthAt))..];

    /// <summary>The state of version <paramref name="number"/>; false when it is not kept.</summary>
    public bool TryVersion(long number, out VersionState state)
    {
        var index = number - (CurrentVersion - VersionCount + 1);
        if (number <= 0 || index < 0 || index >= VersionCount)
        {
            state = default;
            return false;
        }

        state = VersionAtIndex((int)index);
        return true;
    }

    public VersionState VersionAtIndex(int index)
    {
        var at = VersionsAt + (index * VersionSize);
        return new VersionState(Long(at), Long(at + 8), _bytes[at + 16] != 0);
    }

    private long Long(int at) => BinaryPrimitives.ReadInt64LittleEndian(_bytes[at..]);

    private int Int(int at) => BinaryPrimitives.ReadInt32LittleEndian(_bytes[at..]);
}

[Flags]
internal enum StoredKeyFlags : byte
{
    None = 0,
    CasRequired = 1,
    MetadataCasRequired = 2,
    HasValue = 4,
}
