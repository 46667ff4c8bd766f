using Mayfly.Core.Storage;
using Mayfly.Crypto;

namespace Mayfly.Core.Engines.Kv;

/// <summary>One attempt at changing a key: what it is, and the writes that the change takes. One owner.</summary>
internal sealed class KeyChange : IDisposable
{
    /// <summary>Values up to this size ride in the key's record: one record to read, at the price of writing them twice.</summary>
    public const int LargestRidingValue = 16 * 1_024;

    private readonly View _keys;
    private readonly View _versions;
    private readonly string _path;
    private readonly Entry? _entry;
    private readonly Batch _batch = new();
    private SecretBytes? _newValue;
    private bool _changed;
    private bool _removed;

    public KeyChange(View keys, View versions, string path, Entry? entry, KvConfig config, long now)
    {
        _keys = keys;
        _versions = versions;
        _path = path;
        _entry = entry;
        Config = config;
        Now = now;
        Key = entry is null ? null : new KeyMetadata(new StoredKey(entry.Value.Span));
    }

    public KvConfig Config { get; }

    public long Now { get; }

    /// <summary>The key, or null when there is none (yet).</summary>
    public KeyMetadata? Key { get; private set; }

    /// <summary>What to tell of the change once it is durable, or nothing.</summary>
    public KvEvent Event { get; set; }

    /// <summary>Marks the settings as changed; makes the key where there is none.</summary>
    public KeyMetadata Edit()
    {
        _changed = true;
        Key ??= new KeyMetadata(Now);
        Key.Updated = Now;
        return Key;
    }

    /// <summary>Deletes the record that the change was made from, in the same commit.</summary>
    public void Consume(View view, string path, long expectedVersion)
    {
        _changed = true;
        view.Delete(_batch, path, expectedVersion);
    }

    /// <summary>Adds a version with this value, and removes those that are too many.</summary>
    public VersionState AddVersion(ReadOnlySpan<byte> value)
    {
        var key = Edit();
        var riding = key.HasValue ? key.CurrentVersion : 0;
        var state = new VersionState(Now, key.DeletionOf(Now, Config), Destroyed: false);
        foreach (var (number, gone) in key.Add(state, Config))
        {
            if (number == riding)
            {
                riding = 0;
            }
            else if (!gone.Destroyed)
            {
                _versions.Delete(_batch, KvStore.VersionRecord(_path, number));
            }
        }

        if (riding > 0)
        {
            _versions.Put(_batch, KvStore.VersionRecord(_path, riding), RidingValue);
        }

        key.HasValue = value.Length <= LargestRidingValue;
        if (key.HasValue)
        {
            _newValue = SecretBytes.CopyOf(value);
        }
        else
        {
            _versions.Put(_batch, KvStore.VersionRecord(_path, key.CurrentVersion), value);
        }

        return state;
    }

    /// <summary>Changes the state of one version. A destroyed one loses its value, and with it the only key to it.</summary>
    public void SetVersion(long number, VersionState state)
    {
        var key = Edit();
        key.Set(number, state);
        if (!state.Destroyed)
        {
            return;
        }

        if (key.HasValue && number == key.CurrentVersion)
        {
            key.HasValue = false;
        }
        else
        {
            _versions.Delete(_batch, KvStore.VersionRecord(_path, number));
        }
    }

    /// <summary>Removes the key and every version.</summary>
    public void Remove()
    {
        _changed = _removed = true;
        for (var i = 0; i < Key!.Versions.Count; i++)
        {
            var number = Key.FirstKept + i;
            if (!Key.Versions[i].Destroyed && !(Key.HasValue && number == Key.CurrentVersion))
            {
                _versions.Delete(_batch, KvStore.VersionRecord(_path, number));
            }
        }
    }

    /// <summary>The value of the current version, which must be live. Dispose it; it may be an <see cref="Entry"/>'s.</summary>
    public async ValueTask<SecretBytes?> CurrentValueAsync(CancellationToken cancellation)
    {
        if (Key!.HasValue)
        {
            return SecretBytes.CopyOf(RidingValue);
        }

        var entry = await _versions.GetAsync(KvStore.VersionRecord(_path, Key.CurrentVersion), cancellation);
        return entry?.Value;
    }

    /// <summary>The commit that the change takes, or null when nothing changed.</summary>
    public Batch? Finish()
    {
        if (!_changed)
        {
            return null;
        }

        var expected = _entry?.Version ?? 0;
        if (_removed)
        {
            _keys.Delete(_batch, _path, expected);
            return _batch;
        }

        using var record = Key!.Encode(_newValue is null ? RidingValue : _newValue.Span);
        _keys.Put(_batch, _path, record.Span, Key.Due(Now), expected);
        return _batch;
    }

    public void Dispose() => _newValue?.Dispose();

    private ReadOnlySpan<byte> RidingValue => _entry is null ? [] : new StoredKey(_entry.Value.Span).Value;
}
