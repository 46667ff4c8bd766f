using Mayfly.Core.Mounts;
using Mayfly.Core.Storage;
using Mayfly.Crypto;

namespace Mayfly.Core.Known;

/// <summary>
/// The index of what scans may look for, made anew when it is asked for and something has changed. Only one is being made at a
/// time, beside the requests that wait for it. Safe for concurrent use.
/// </summary>
internal sealed class KnownSecrets : IAsyncDisposable
{
    /// <summary>More texts are left out: their answer would have a hundred megabytes.</summary>
    private const int MostParts = 1_000_000;

    /// <summary>An index that took longer to make is good for some time, whatever changes: the server has other things to do.</summary>
    private static readonly TimeSpan Quick = TimeSpan.FromSeconds(0.5);

    /// <summary>How long that is at most; less when four times as long as it took to make is less.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private readonly MountRegistry _mounts;
    private readonly TimeProvider _time;
    private readonly Keyring _keyring;
    private readonly IDisposable _observation;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Lazy<KnownKeys> _keys;
    private readonly Lazy<KnownIndexBuilder> _builder;
    private long _changes;
    private Task<KnownIndex>? _making;
    private KnownIndex? _latest;
    private TimeSpan _took;
    private long _made;

    public KnownSecrets(IStore store, MountRegistry mounts, Keyring keyring, TimeProvider time)
    {
        _mounts = mounts;
        _keyring = keyring;
        _time = time;
        _keys = new(() => new KnownKeys(_keyring));
        _builder = new(() => new KnownIndexBuilder(_keys.Value, MostParts));
        _observation = store.Observe(Count);
    }

    public KnownKeys Keys => _keys.Value;

    /// <summary>An index of now, or almost.</summary>
    public async ValueTask<KnownIndex> IndexAsync(CancellationToken cancellation)
    {
        // What was begun before the question may lack what was written before it.
        var tries = 0;
        while (true)
        {
            Task<KnownIndex> making;
            lock (_gate)
            {
                if (_latest is { } latest && (IsGood(latest) || tries > 1))
                {
                    return latest;
                }

                making = _making ??= Task.Run(() => MakeAsync(_stop.Token), CancellationToken.None);
            }

            await making.WaitAsync(cancellation);
            tries++;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _observation.Dispose();
        await _stop.CancelAsync();
        Task? making;
        lock (_gate)
        {
            making = _making;
        }

        await (making ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_keys.IsValueCreated)
        {
            _keys.Value.Dispose();
        }

        _stop.Dispose();
    }

    private bool IsGood(KnownIndex index) =>
        index.IsOf(Volatile.Read(ref _changes), _mounts.Table)
        || (_took > Quick && _time.GetElapsedTime(_made) is var age && age < _took * 4 && age < Longest);

    private async Task<KnownIndex> MakeAsync(CancellationToken cancellation)
    {
        try
        {
            var started = _time.GetTimestamp();
            var index = await _builder.Value.BuildAsync(_mounts.Table, Volatile.Read(ref _changes), cancellation);
            lock (_gate)
            {
                _latest = index;
                _made = _time.GetTimestamp();
                _took = _time.GetElapsedTime(started);
            }

            return index;
        }
        finally
        {
            lock (_gate)
            {
                _making = null;
            }
        }
    }

    private void Count(CommittedBatch batch)
    {
        foreach (var write in batch.Writes)
        {
            if (write.Key.StartsWith(MountRegistry.DataRoot))
            {
                Interlocked.Increment(ref _changes);
                return;
            }
        }
    }
}
