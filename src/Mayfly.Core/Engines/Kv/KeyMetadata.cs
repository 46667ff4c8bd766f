using System.Buffers.Binary;
using Mayfly.Crypto;

namespace Mayfly.Core.Engines.Kv;

/// <summary>A key while it is being changed: what <see cref="StoredKey"/> reads, in a form that can be edited. One owner.</summary>
internal sealed class KeyMetadata
{
    /// <summary>How many versions are kept where neither the key nor the engine says.</summary>
    public const int DefaultMaxVersions = 10;

    private readonly List<VersionState> _versions = [];

    public KeyMetadata(long now) => Created = Updated = now;

    public KeyMetadata(StoredKey stored)
    {
        CasRequired = (stored.Flags & StoredKeyFlags.CasRequired) != StoredKeyFlags.None;
        MetadataCasRequired = (stored.Flags & StoredKeyFlags.MetadataCasRequired) != StoredKeyFlags.None;
        HasValue = stored.HasValue;
        Created = stored.Created;
        Updated = stored.Updated;
        CurrentVersion = stored.CurrentVersion;
        OldestVersion = stored.OldestVersion;
        MaxVersions = stored.MaxVersions;
        DeleteAfter = stored.DeleteAfter;
        MetadataVersion = stored.MetadataVersion;
        CustomMetadata = stored.CustomMetadata.ToArray();
        for (var i = 0; i < stored.VersionCount; i++)
        {
            _versions.Add(stored.VersionAtIndex(i));
        }
    }

    public bool CasRequired { get; set; }

    public bool MetadataCasRequired { get; set; }

    /// <summary>The current version's value is in the key's own record.</summary>
    public bool HasValue { get; set; }

    public long Created { get; }

    public long Updated { get; set; }

    public long CurrentVersion { get; private set; }

    public long OldestVersion { get; private set; }

    /// <summary>0 when the engine's setting applies.</summary>
    public int MaxVersions { get; set; }

    /// <summary>Zero when the engine's setting applies.</summary>
    public TimeSpan DeleteAfter { get; set; }

    /// <summary>Counts the changes of settings and custom metadata.</summary>
    public long MetadataVersion { get; set; } = 1;

    /// <summary>A JSON object, or empty.</summary>
    public byte[] CustomMetadata { get; set; } = [];

    /// <summary>The number of the first version that is kept.</summary>
    public long FirstKept => CurrentVersion - _versions.Count + 1;

    public IReadOnlyList<VersionState> Versions => _versions;

    public bool TryVersion(long number, out VersionState state)
    {
        var index = number - FirstKept;
        var known = number > 0 && index >= 0 && index < _versions.Count;
        state = known ? _versions[(int)index] : default;
        return known;
    }

    public void Set(long number, VersionState state) => _versions[(int)(number - FirstKept)] = state;

    /// <summary>Adds the next version, and lets those go that are too many.</summary>
    /// <returns>Those that went, with their numbers.</returns>
    public IReadOnlyList<(long Number, VersionState State)> Add(VersionState state, KvConfig config)
    {
        _versions.Add(state);
        CurrentVersion++;
        Updated = state.Created;
        var keep = EffectiveMaxVersions(config);
        if (CurrentVersion - OldestVersion < keep)
        {
            return [];
        }

        OldestVersion = CurrentVersion - keep + 1;
        var gone = new List<(long, VersionState)>();
        while (_versions.Count > keep)
        {
            gone.Add((FirstKept, _versions[0]));
            _versions.RemoveAt(0);
        }

        return gone;
    }

    public int EffectiveMaxVersions(KvConfig config) =>
        Math.Max(MaxVersions, config.MaxVersions) is > 0 and var set ? set : DefaultMaxVersions;

    /// <summary>How long a new version lives, or zero when it does not end by itself: the shorter of key and engine.</summary>
    public TimeSpan EffectiveDeleteAfter(KvConfig config) =>
        config.DeleteAfter < TimeSpan.Zero ? TimeSpan.Zero
        : DeleteAfter == TimeSpan.Zero ? config.DeleteAfter
        : config.DeleteAfter == TimeSpan.Zero || DeleteAfter < config.DeleteAfter ? DeleteAfter
        : config.DeleteAfter;

    /// <summary>When a version begun at <paramref name="now"/> ends, or 0.</summary>
    public long DeletionOf(long now, KvConfig config) =>
        EffectiveDeleteAfter(config) is { Ticks: > 0 } after ? now + after.Ticks : 0;

    /// <summary>When the next version ends by itself, in Unix milliseconds, or null.</summary>
    public long? Due(long now)
    {
        var next = long.MaxValue;
        foreach (var version in _versions)
        {
            if (!version.Destroyed && version.Deletion > now && version.Deletion < next)
            {
                next = version.Deletion;
            }
        }

        return next == long.MaxValue
            ? null
            : (next - DateTimeOffset.UnixEpoch.Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;
    }

    /// <summary>The stored form; <paramref name="value"/> counts when <see cref="HasValue"/>.</summary>
    public SecretBytes Encode(ReadOnlySpan<byte> value)
    {
        var fixedLength = StoredKey.VersionsAt + (_versions.Count * StoredKey.VersionSize) + CustomMetadata.Length;
        var record = SecretBytes.Rent(fixedLength + (HasValue ? value.Length : 0));
        var bytes = record.Span;
        bytes[StoredKey.FormatAt] = StoredKey.Format;
        bytes[StoredKey.FlagsAt] = (byte)(
            (CasRequired ? StoredKeyFlags.CasRequired : StoredKeyFlags.None)
            | (MetadataCasRequired ? StoredKeyFlags.MetadataCasRequired : StoredKeyFlags.None)
            | (HasValue ? StoredKeyFlags.HasValue : StoredKeyFlags.None)
        );
        Write(bytes, StoredKey.CreatedAt, Created);
        Write(bytes, StoredKey.UpdatedAt, Updated);
        Write(bytes, StoredKey.CurrentVersionAt, CurrentVersion);
        Write(bytes, StoredKey.OldestVersionAt, OldestVersion);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[StoredKey.MaxVersionsAt..], MaxVersions);
        Write(bytes, StoredKey.DeleteAfterAt, DeleteAfter.Ticks);
        Write(bytes, StoredKey.MetadataVersionAt, MetadataVersion);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[StoredKey.CustomLengthAt..], CustomMetadata.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[StoredKey.VersionCountAt..], _versions.Count);
        var at = StoredKey.VersionsAt;
        foreach (var version in _versions)
        {
            Write(bytes, at, version.Created);
            Write(bytes, at + 8, version.Deletion);
            bytes[at + 16] = version.Destroyed ? (byte)1 : (byte)0;
            at += StoredKey.VersionSize;
        }

        CustomMetadata.CopyTo(bytes[at..]);
        if (HasValue)
        {
            value.CopyTo(bytes[fixedLength..]);
        }

        return record;
    }

    private static void Write(Span<byte> bytes, int at, long value) =>
        BinaryPrimitives.WriteInt64LittleEndian(bytes[at..], value);
}
