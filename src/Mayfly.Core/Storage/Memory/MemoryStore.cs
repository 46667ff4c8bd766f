using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Mayfly.Core.Storage.Memory;

/// <summary>
/// A store that forgets everything when the process ends. For tests, and for <c>storage "inmem"</c>. Point reads take no
/// lock; whatever needs order does.
/// </summary>
public sealed class MemoryStore : IStore
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<StoreKey, StoredRecord> _records = new();
    private readonly SortedSet<StoreKey> _keys = [];
    private readonly Dictionary<long, SortedSet<(long Due, long Tie, StoreKey Key)>> _due = [];
    private readonly Dictionary<StoreKey, long> _ties = [];
    private readonly CommitFeed _feed = new();
    private long _sequence;
    private long _lastTie;
    private bool _disposed;

    public string Type => "inmem";

    public ValueTask<StoredRecord?> GetAsync(StoreKey key, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return new(_records.GetValueOrDefault(key));
    }

    public ValueTask<IReadOnlyList<Child>> ListAsync(StoreKey folder, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var children = new List<Child>();
        lock (_gate)
        {
            // Walks records, and seeks past each subfolder.
            StoreKey? seek = folder;
            while (seek is { } from)
            {
                seek = null;
                foreach (var key in From(from))
                {
                    if (!key.StartsWith(folder))
                    {
                        break;
                    }

                    if (key == folder)
                    {
                        continue;
                    }

                    var segment = key.ChildOf(folder, out var isFolder).ToArray();
                    children.Add(new Child(segment, isFolder));
                    if (isFolder)
                    {
                        seek = folder.Append(segment).EndOfRange() is { } end ? StoreKey.FromBytes(end) : null;
                        break;
                    }
                }
            }
        }

        return new(children);
    }

    public ValueTask<IReadOnlyList<KeyedRecord>> ScanAsync(
        StoreKey prefix,
        StoreKey? after,
        int limit,
        CancellationToken cancellation
    )
    {
        cancellation.ThrowIfCancellationRequested();
        var start = after is { } last && last > prefix ? last : prefix;
        lock (_gate)
        {
            var found = new List<KeyedRecord>();
            foreach (var key in From(start))
            {
                if (found.Count >= limit || !key.StartsWith(prefix))
                {
                    break;
                }

                if (key > start)
                {
                    found.Add(new KeyedRecord(key, _records[key]));
                }
            }

            return new(found);
        }
    }

    public ValueTask<DuePage> DueAsync(long lane, DuePlace after, long until, int limit, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        lock (_gate)
        {
            var start = (after.Due, after.Tie, StoreKey.Root);
            if (!_due.TryGetValue(lane, out var due) || start.CompareTo(due.Max) > 0)
            {
                return new(new DuePage([], after));
            }

            var found = due.GetViewBetween(start, due.Max)
                .TakeWhile(entry => entry.Due <= until)
                .Where(entry => (entry.Due, entry.Tie) != (after.Due, after.Tie))
                .Take(limit)
                .ToList();
            return new(
                new DuePage(
                    [.. found.Select(entry => new KeyedRecord(entry.Key, _records[entry.Key]))],
                    found.Count == 0 ? after : new DuePlace(found[^1].Due, found[^1].Tie)
                )
            );
        }
    }

    public ValueTask<IReadOnlyList<DueLane>> DueLanesAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return new([.. _due.Select(lane => new DueLane(lane.Key, lane.Value.Min.Due))]);
        }
    }

    public ValueTask<long> CountAsync(StoreKey prefix, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return new(From(prefix).TakeWhile(key => key.StartsWith(prefix)).LongCount(key => key != prefix));
        }
    }

    public ValueTask<CommitResult> CommitAsync(Batch batch, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (_disposed)
            {
                return new(CommitResult.Unavailable("The store is closed."));
            }

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

            _feed.Publish(new CommittedBatch(sequence, batch.Writes));
            return new(CommitResult.Committed(sequence));
        }
    }

    public IDisposable Observe(Action<CommittedBatch> observer) => _feed.Observe(observer);

    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        return ValueTask.CompletedTask;
    }

    private SortedSet<StoreKey> From(StoreKey start) =>
        _keys.Count == 0 || start > _keys.Max ? [] : _keys.GetViewBetween(start, _keys.Max);

    private void Apply(Write write, long sequence)
    {
        if (write.Kind == WriteKind.Expect)
        {
            return;
        }

        var old = _records.GetValueOrDefault(write.Key);
        if (old?.Due is { } oldDue)
        {
            var lane = _due[write.Key.Lane];
            lane.Remove((oldDue, _ties[write.Key], write.Key));
            if (lane.Count == 0)
            {
                _due.Remove(write.Key.Lane);
            }
        }

        if (write.Kind == WriteKind.Delete)
        {
            _records.TryRemove(write.Key, out _);
            _keys.Remove(write.Key);
            _ties.Remove(write.Key);
            return;
        }

        _records[write.Key] = new StoredRecord(write.Value.ToArray(), sequence, write.Due);
        if (old is null)
        {
            _keys.Add(write.Key);
            _ties[write.Key] = ++_lastTie;
        }

        if (write.Due is { } due)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_due, write.Key.Lane, out _) ??= [];
            _due[write.Key.Lane].Add((due, _ties[write.Key], write.Key));
        }
    }
}
