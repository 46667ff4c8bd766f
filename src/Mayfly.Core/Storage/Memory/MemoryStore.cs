namespace Mayfly.Core.Storage.Memory;

/// <summary>A store that forgets everything when the process ends. For tests, and for <c>storage "inmem"</c>.</summary>
public sealed class MemoryStore : IStore
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<StoreKey, StoredRecord> _records = [];
    private readonly SortedSet<(long Due, StoreKey Key)> _due = [];
    private Action<CommittedBatch>[] _observers = [];
    private long _sequence;

    public string Type => "inmem";

    public ValueTask<StoredRecord?> GetAsync(StoreKey key, CancellationToken cancellation)
    {
        lock (_gate)
        {
            return new(_records.GetValueOrDefault(key));
        }
    }

    public ValueTask<IReadOnlyList<Child>> ListAsync(StoreKey folder, CancellationToken cancellation)
    {
        lock (_gate)
        {
            var children = new List<Child>();
            foreach (var (key, _) in Below(folder))
            {
                var segment = key.ChildOf(folder, out var isFolder);
                if (
                    children.Count == 0
                    || children[^1].IsFolder != isFolder
                    || segment.SequenceCompareTo(children[^1].Segment.Span) != 0
                )
                {
                    children.Add(new Child(segment.ToArray(), isFolder));
                }
            }

            return new(children);
        }
    }

    public ValueTask<IReadOnlyList<KeyedRecord>> ScanAsync(
        StoreKey prefix,
        StoreKey? after,
        int limit,
        CancellationToken cancellation
    )
    {
        lock (_gate)
        {
            var found = Below(prefix)
                .Where(pair => after is null || pair.Key > after.Value)
                .Take(limit)
                .Select(pair => new KeyedRecord(pair.Key, pair.Value))
                .ToList();
            return new(found);
        }
    }

    public ValueTask<IReadOnlyList<KeyedRecord>> DueAsync(long until, int limit, CancellationToken cancellation)
    {
        lock (_gate)
        {
            var found = _due.TakeWhile(entry => entry.Due <= until)
                .Take(limit)
                .Select(entry => new KeyedRecord(entry.Key, _records[entry.Key]))
                .ToList();
            return new(found);
        }
    }

    public ValueTask<long?> NextDueAsync(CancellationToken cancellation)
    {
        lock (_gate)
        {
            return new(_due.Count == 0 ? null : _due.Min.Due);
        }
    }

    public ValueTask<long> CountAsync(StoreKey prefix, CancellationToken cancellation)
    {
        lock (_gate)
        {
            return new(Below(prefix).LongCount());
        }
    }

    public ValueTask<CommitResult> CommitAsync(Batch batch, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        lock (_gate)
        {
            foreach (var write in batch.Writes)
            {
                if (
                    write.ExpectedVersion is { } expected
                    && (_records.GetValueOrDefault(write.Key)?.Version ?? 0) != expected
                )
                {
                    return new(CommitResult.Conflict());
                }
            }

            var sequence = ++_sequence;
            foreach (var write in batch.Writes)
            {
                Apply(write, sequence);
            }

            var committed = new CommittedBatch(sequence, batch.Writes);
            foreach (var observer in _observers)
            {
                observer(committed);
            }

            return new(CommitResult.Committed(sequence));
        }
    }

    public IDisposable Observe(Action<CommittedBatch> observer)
    {
        lock (_gate)
        {
            _observers = [.. _observers, observer];
        }

        return new Observation(this, observer);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private IEnumerable<KeyValuePair<StoreKey, StoredRecord>> Below(StoreKey prefix) =>
        _records.Where(pair => pair.Key.StartsWith(prefix) && pair.Key != prefix);

    private void Apply(Write write, long sequence)
    {
        if (write.Kind == WriteKind.Expect)
        {
            return;
        }

        if (_records.Remove(write.Key, out var old) && old.Due is { } oldDue)
        {
            _due.Remove((oldDue, write.Key));
        }

        if (write.Kind == WriteKind.Put)
        {
            _records.Add(write.Key, new StoredRecord(write.Value.ToArray(), sequence, write.Due));
            if (write.Due is { } due)
            {
                _due.Add((due, write.Key));
            }
        }
    }

    private void Remove(Action<CommittedBatch> observer)
    {
        lock (_gate)
        {
            _observers = [.. _observers.Where(other => other != observer)];
        }
    }

    private sealed class Observation(MemoryStore store, Action<CommittedBatch> observer) : IDisposable
    {
        public void Dispose() => store.Remove(observer);
    }
}
