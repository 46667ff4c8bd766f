using System.Buffers.Binary;
using System.Threading.Channels;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Quotas;

/// <summary>
/// How many leases and tokens each lease-count quota has, by remembering which records they are: a few bytes for each one
/// that a quota holds for, and nothing for the others. It counts what is in the store when it starts, and follows the
/// commits from then on; both may say the same thing twice, so the numbers cannot drift. Made anew when the quotas change.
/// Safe for concurrent use.
/// </summary>
internal sealed class LeaseCounts : IAsyncDisposable
{
    private const int PerScan = 512;

    private readonly IStore _store;
    private readonly IReadOnlyList<LeaseSource> _sources;
    private readonly ILogger _log;
    private readonly QuotaTable<Counter> _table;
    private readonly IDisposable _observation;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<Unplaced> _unplaced = Channel.CreateUnbounded<Unplaced>(
        new UnboundedChannelOptions { SingleReader = true }
    );
    private readonly Task _loading;
    private readonly Task _placing;

    private readonly Lock _gate = new();

    /// <summary>The records that count, and for which quota.</summary>
    private readonly Dictionary<UInt128, Counted> _counted = [];

    /// <summary>Records that were stored without having been admitted here, and of which it is not known yet what they are.</summary>
    private readonly HashSet<UInt128> _unknown = [];

    /// <summary>Records that were deleted while the store was being counted; null afterwards.</summary>
    private HashSet<UInt128>? _deleted = [];

    public LeaseCounts(
        IReadOnlyCollection<LeaseCountQuota> quotas,
        IStore store,
        IReadOnlyList<LeaseSource> sources,
        ILogger log
    )
    {
        _store = store;
        _sources = sources;
        _log = log;
        Counters = [.. quotas.Select(quota => new Counter(quota))];
        _table = new QuotaTable<Counter>(Counters.Select(counter => (counter.Quota.Scope, counter)));

        // Before the counting begins, so that no commit is missed in between.
        _observation = store.Observe(Apply);
        _loading = Task.Run(LoadAsync);
        _placing = Task.Run(PlaceAsync);
    }

    public IReadOnlyList<Counter> Counters { get; }

    /// <summary>Makes room for a lease that is to be stored at <paramref name="key"/>.</summary>
    /// <returns>A slot to dispose, or null when no quota holds for it; or why there is no room.</returns>
    public async ValueTask<(LeaseSlot? Slot, LeaseCountQuota? Exceeded)> AdmitAsync(
        LeaseOrigin origin,
        StoreKey key,
        CancellationToken cancellation
    )
    {
        if (_table.Find(origin.Mount, origin.Path, origin.Role) is not { } counter)
        {
            return (null, null);
        }

        await _loading.WaitAsync(cancellation);
        var record = Name(key);
        lock (_gate)
        {
            if (counter.Count >= counter.Quota.MaxLeases)
            {
                return (null, counter.Quota);
            }

            if (_counted.TryAdd(record, new Counted(counter, IsStored: false)))
            {
                counter.Count++;
            }
        }

        return (new LeaseSlot(this, record), null);
    }

    /// <summary>
    /// The quota that would refuse one more lease, or null. For those that count nowhere, and to refuse early; where it
    /// depends on the role, only <see cref="AdmitAsync"/> knows.
    /// </summary>
    public async ValueTask<LeaseCountQuota?> ExceededAsync(LeaseOrigin origin, CancellationToken cancellation)
    {
        if (
            origin.Role is null && _table.LooksAtRoles(origin.Mount)
            || _table.Find(origin.Mount, origin.Path, origin.Role) is not { } counter
        )
        {
            return null;
        }

        await _loading.WaitAsync(cancellation);
        lock (_gate)
        {
            return counter.Count >= counter.Quota.MaxLeases ? counter.Quota : null;
        }
    }

    /// <summary>The attempt to store an admitted lease is over.</summary>
    internal void Settle(UInt128 record)
    {
        lock (_gate)
        {
            if (_counted.TryGetValue(record, out var counted) && !counted.IsStored)
            {
                _counted.Remove(record);
                counted.Counter.Count--;
            }
        }
    }

    /// <summary>Ends when everything that had been committed before is counted.</summary>
    public async ValueTask CaughtUpAsync(CancellationToken cancellation)
    {
        await _loading.WaitAsync(cancellation);
        var mark = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_unplaced.Writer.TryWrite(new Unplaced(default, mark)))
        {
            await mark.Task.WaitAsync(cancellation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _observation.Dispose();
        _unplaced.Writer.TryComplete();
        await _stop.CancelAsync();
        await _loading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _placing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (_unplaced.Reader.TryRead(out var left))
        {
            left.Mark?.SetResult();
        }

        _stop.Dispose();
    }

    /// <summary>Runs on the store's writer: it looks at addresses alone.</summary>
    private void Apply(CommittedBatch batch)
    {
        foreach (var write in batch.Writes)
        {
            // A new record's write demands that there was none; a changed one's does not.
            var isNew = write is { Kind: WriteKind.Put, ExpectedVersion: 0 };
            if (!isNew && write.Kind != WriteKind.Delete || SourceOf(write.Key) is null)
            {
                continue;
            }

            var record = Name(write.Key);
            lock (_gate)
            {
                if (isNew)
                {
                    Stored(record, write.Key);
                }
                else
                {
                    Deleted(record);
                }
            }
        }
    }

    private void Stored(UInt128 record, StoreKey key)
    {
        if (_counted.TryGetValue(record, out var counted))
        {
            _counted[record] = counted with { IsStored = true };
        }
        else if (_unknown.Add(record))
        {
            _unplaced.Writer.TryWrite(new Unplaced(key, Mark: null));
        }
    }

    private void Deleted(UInt128 record)
    {
        _unknown.Remove(record);
        _deleted?.Add(record);
        if (_counted.Remove(record, out var counted))
        {
            counted.Counter.Count--;
        }
    }

    private async Task LoadAsync()
    {
        try
        {
            foreach (var source in _sources)
            {
                StoreKey? after = null;
                while (true)
                {
                    var found = await _store.ScanAsync(source.Root, after, PerScan, _stop.Token);
                    foreach (var record in found)
                    {
                        Place(source, record, isLoading: true);
                        after = record.Key;
                    }

                    if (found.Count < PerScan)
                    {
                        break;
                    }
                }
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _log.LogError(e, "the leases that quotas hold for could not be counted");
            throw;
        }
        finally
        {
            lock (_gate)
            {
                _deleted = null;
            }
        }
    }

    /// <summary>Finds out what records are that others have stored: while the quotas changed, or from another node.</summary>
    private async Task PlaceAsync()
    {
        await foreach (var (key, mark) in _unplaced.Reader.ReadAllAsync(_stop.Token))
        {
            if (mark is not null)
            {
                mark.SetResult();
                continue;
            }

            try
            {
                if (await _store.GetAsync(key, _stop.Token) is { } record)
                {
                    Place(SourceOf(key)!, new KeyedRecord(key, record), isLoading: false);
                    continue;
                }
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                _log.LogError(e, "a new lease could not be read, and is not counted");
            }

            lock (_gate)
            {
                _unknown.Remove(Name(key));
            }
        }
    }

    private void Place(LeaseSource source, KeyedRecord found, bool isLoading)
    {
        Counter? counter;
        using (var entry = source.View.Open(found))
        {
            counter = source.OriginOf(source.View.PathOf(found.Key)!, entry) is { } origin
                ? _table.Find(origin.Mount, origin.Path, origin.Role)
                : null;
        }

        var record = Name(found.Key);
        lock (_gate)
        {
            var isThere = _unknown.Remove(record) || isLoading && _deleted?.Contains(record) == false;
            if (isThere && counter is not null && _counted.TryAdd(record, new Counted(counter, IsStored: true)))
            {
                counter.Count++;
            }
        }
    }

    private LeaseSource? SourceOf(StoreKey key)
    {
        foreach (var source in _sources)
        {
            if (key.StartsWith(source.Root))
            {
                return source;
            }
        }

        return null;
    }

    /// <summary>Addresses are long; 128 bits of their hash tell them apart.</summary>
    private static UInt128 Name(StoreKey key)
    {
        Span<byte> hash = stackalloc byte[Sha256.Size];
        Sha256.HashData(key.Bytes, hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    /// <summary>A quota with what counts for it.</summary>
    internal sealed class Counter(LeaseCountQuota quota)
    {
        private long _count;

        public LeaseCountQuota Quota => quota;

        /// <summary>Changed under the gate alone; read by anybody.</summary>
        public long Count
        {
            get => Volatile.Read(ref _count);
            set => Volatile.Write(ref _count, value);
        }
    }

    private readonly record struct Counted(Counter Counter, bool IsStored);

    /// <summary>A record to place; or, with a mark, somebody who waits until those before it are placed.</summary>
    private readonly record struct Unplaced(StoreKey Key, TaskCompletionSource? Mark);
}
