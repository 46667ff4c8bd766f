using Mayfly.Core.Events;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Engines.Kv;

/// <summary>
/// The records of one versioned mount. <c>key/PATH</c> holds a <see cref="StoredKey"/>; <c>version/PATH/N</c> the value of a
/// version that does not ride there; <c>config</c> the engine's settings. A change is one commit that depends on the key
/// being what was read, so it needs no lock; concurrent changes of one key are tried again. Safe for concurrent use.
/// </summary>
internal sealed class KvStore
{
    public const string KeyFolder = "key/";
    private const string ConfigRecord = "config";
    private const int Attempts = 32;
    private const int ReadAttempts = 8;

    private readonly View _view;
    private readonly View _keys;
    private readonly View _versions;
    private readonly TimeProvider _time;
    private readonly EventSource _events;
    private readonly SemaphoreSlim[] _queues = new SemaphoreSlim[64];

    public KvStore(View view, TimeProvider time, EventSource events)
    {
        _events = events;
        _view = view;
        _keys = view.Sub(KeyFolder);
        _versions = view.Sub("version/");
        _time = time;
        for (var i = 0; i < _queues.Length; i++)
        {
            _queues[i] = new SemaphoreSlim(1);
        }
    }

    public long Now => _time.GetUtcNow().Ticks;

    public async ValueTask<KvConfig> ConfigAsync(CancellationToken cancellation)
    {
        using var entry = await _view.GetAsync(ConfigRecord, cancellation);
        return entry is null ? KvConfig.Default : KvConfig.Decode(entry.Value.Span);
    }

    /// <summary>Changes the settings, all or nothing.</summary>
    public async ValueTask<CommitResult> SetConfigAsync(Func<KvConfig, KvConfig> change, CancellationToken cancellation)
    {
        var result = CommitResult.Conflict();
        for (var attempt = 0; attempt < Attempts && result.Status == CommitStatus.Conflict; attempt++)
        {
            using var entry = await _view.GetAsync(ConfigRecord, cancellation);
            var config = change(entry is null ? KvConfig.Default : KvConfig.Decode(entry.Value.Span));
            result = await _view.PutAsync(ConfigRecord, config.Encode(), cancellation, entry?.Version ?? 0);
        }

        return result;
    }

    /// <summary>The record of a <see cref="StoredKey"/>, or null. Dispose it.</summary>
    public ValueTask<Entry?> KeyAsync(string path, CancellationToken cancellation) =>
        _keys.GetAsync(path, cancellation);

    public ValueTask<bool> HasKeyAsync(string path, CancellationToken cancellation) =>
        _keys.ExistsAsync(path, cancellation);

    /// <summary>The value of a version that has a record of its own, or null.</summary>
    public ValueTask<Entry?> ValueAsync(string path, long version, CancellationToken cancellation) =>
        _versions.GetAsync(VersionRecord(path, version), cancellation);

    /// <summary>Up to <paramref name="limit"/> keys at any depth after that one, in an order that stays. Dispose the entries.</summary>
    public ValueTask<IReadOnlyList<(string Path, Entry Entry)>> KeysAsync(
        string? after,
        int limit,
        CancellationToken cancellation
    ) => _keys.ScanAsync("", after, limit, cancellation);

    public ValueTask<IReadOnlyList<string>> ListAsync(string folder, CancellationToken cancellation) =>
        _keys.ListAsync(folder, cancellation);

    /// <summary>
    /// Reads a version (0: the current one) and hands its key, state and value to <paramref name="reader"/>; the value is
    /// empty when the version is deleted or destroyed.
    /// </summary>
    /// <returns>What the reader gives, or not found.</returns>
    public async ValueTask<Outcome> ReadAsync(
        string path,
        long number,
        VersionReader reader,
        CancellationToken cancellation
    )
    {
        for (var attempt = 0; attempt < ReadAttempts; attempt++)
        {
            using var entry = await _keys.GetAsync(path, cancellation);
            if (entry is null)
            {
                return Fault.NotFound();
            }

            if (Ready(entry, ref number, reader, out var outcome))
            {
                return outcome;
            }

            using var value = await ValueAsync(path, number, cancellation);
            if (value is not null)
            {
                var key = new StoredKey(entry.Value.Span);
                key.TryVersion(number, out var state);
                return reader(key, number, state, value.Value.Span);
            }

            // The version went away between the two reads; the key now says so.
        }

        throw new StoreCorruptException("A live version of a secret has no record.");
    }

    /// <summary>
    /// Applies <paramref name="change"/> to a key and commits what it asks for. It runs again, on the new state, when
    /// another request changed the key meanwhile; those that lost a race queue up, so that each gets its turn.
    /// </summary>
    public async ValueTask<Outcome> ChangeAsync(
        string path,
        Func<KeyChange, ValueTask<Outcome>> change,
        CancellationToken cancellation
    )
    {
        var (result, outcome) = await TryChangeAsync(path, change, cancellation);
        if (result.Status != CommitStatus.Conflict)
        {
            return result.Succeeded ? outcome : Fault.From(result);
        }

        var queue = _queues[(uint)path.GetHashCode(StringComparison.Ordinal) % (uint)_queues.Length];
        await queue.WaitAsync(cancellation);
        try
        {
            for (var attempt = 1; attempt < Attempts && result.Status == CommitStatus.Conflict; attempt++)
            {
                (result, outcome) = await TryChangeAsync(path, change, cancellation);
            }
        }
        finally
        {
            queue.Release();
        }

        return result.Succeeded ? outcome : Fault.From(result);
    }

    /// <summary>
    /// Makes the record <paramref name="name"/> of <paramref name="old"/> the first version of a key, or drops it where
    /// there is such a key already, in one commit.
    /// </summary>
    /// <returns>Whether it is gone from <paramref name="old"/>.</returns>
    public async ValueTask<bool> AdoptAsync(
        View old,
        string name,
        Func<Entry, ReadOnlyMemory<byte>> value,
        CancellationToken cancellation
    )
    {
        using var source = await old.GetAsync(name, cancellation);
        if (source is null)
        {
            return true;
        }

        var outcome = await ChangeAsync(
            name,
            change =>
            {
                change.Consume(old, name, source.Version);
                if (change.Key is null)
                {
                    change.AddVersion(value(source).Span);
                }

                return new(Outcome.Done);
            },
            cancellation
        );
        return outcome.Succeeded;
    }

    private async ValueTask<(CommitResult Result, Outcome Outcome)> TryChangeAsync(
        string path,
        Func<KeyChange, ValueTask<Outcome>> change,
        CancellationToken cancellation
    )
    {
        using var entry = await _keys.GetAsync(path, cancellation);
        var config = await ConfigAsync(cancellation);
        using var attempt = new KeyChange(_keys, _versions, path, entry, config, Now);
        var outcome = await change(attempt);
        if (!outcome.Succeeded || attempt.Finish() is not { } batch)
        {
            return (CommitResult.Committed(0), outcome);
        }

        var result = await _keys.CommitAsync(batch, cancellation);
        if (!result.Succeeded)
        {
            outcome.Response?.Dispose();
        }
        else if (_events.IsHeard)
        {
            attempt.Event.Publish(_events, path, attempt.Key!);
        }

        return (result, outcome);
    }

    private bool Ready(Entry entry, ref long number, VersionReader reader, out Outcome outcome)
    {
        var key = new StoredKey(entry.Value.Span);
        if (number <= 0)
        {
            number = key.CurrentVersion;
        }

        if (!key.TryVersion(number, out var state))
        {
            outcome = Fault.NotFound();
            return true;
        }

        var live = state.IsLive(Now);
        if (live && !(key.HasValue && number == key.CurrentVersion))
        {
            outcome = default;
            return false;
        }

        outcome = reader(key, number, state, live ? key.Value : []);
        return true;
    }

    public static string VersionRecord(string path, long version) => $"{path}/{version}";
}

/// <summary>Makes an answer from a version. The value is empty unless the version is live.</summary>
internal delegate Outcome VersionReader(StoredKey key, long number, VersionState state, ReadOnlySpan<byte> value);
