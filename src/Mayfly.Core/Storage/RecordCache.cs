using System.Collections.Concurrent;

namespace Mayfly.Core.Storage;

/// <summary>
/// Records as the store holds them, which is encrypted, and that there is none where that was asked; bounded by their bytes.
/// Reading takes no lock. Safe for concurrent use.
/// </summary>
/// <remarks>
/// It stays coherent although readers fill it while writers commit. A reader that misses takes a <see cref="Ticket"/> before it asks
/// the store; every commit passes through <see cref="Apply"/> before it is acknowledged, and so makes the tickets of its stripes
/// void. So when a reader got the old record, either the commit came after its ticket, and the record is not kept; or the commit had
/// been applied before the ticket, and then the store no longer gives the old record.
/// <para>
/// What to give up is decided as in SIEVE (Zhang et al., NSDI 2024): a hand goes over the records from old to young, spares those
/// that were read since it came by last, and gives up the others. A long scan therefore drives out nothing that is in use.
/// </para>
/// </remarks>
internal sealed class RecordCache
{
    public const long DefaultCapacity = 64 << 20;

    private const int StripeCount = 16;

    // What an entry takes beyond its bytes: node, record, dictionary entry.
    private const int EntryOverhead = 256;

    private readonly ConcurrentDictionary<StoreKey, Node> _nodes = new(StripeCount, capacity: 1024);
    private readonly Stripe[] _stripes = new Stripe[StripeCount];

    /// <param name="capacity">The most bytes to hold; zero for none at all.</param>
    public RecordCache(long capacity)
    {
        for (var i = 0; i < StripeCount; i++)
        {
            _stripes[i] = new Stripe(_nodes, capacity / StripeCount);
        }
    }

    /// <summary>What is held now, in bytes; for metrics and tests.</summary>
    public long Size => _stripes.Sum(stripe => stripe.Size);

    public int Count => _nodes.Count;

    /// <summary>Whether it is known what stands there: a record, or null for none.</summary>
    public bool TryGet(StoreKey key, out StoredRecord? record)
    {
        if (!_nodes.TryGetValue(key, out var node))
        {
            record = null;
            return false;
        }

        if (!node.Visited)
        {
            node.Visited = true;
        }

        record = node.Record;
        return true;
    }

    /// <summary>To be taken before the store is asked.</summary>
    public Ticket Begin(StoreKey key) => new(StripeOf(key).Generation);

    /// <summary>Keeps what the store gave (null: no record), unless something was committed since the ticket was taken.</summary>
    public void Fill(StoreKey key, StoredRecord? record, Ticket ticket) => StripeOf(key).Fill(key, record, ticket);

    /// <summary>A commit: what is here of it is replaced or dropped. Runs before the commit is acknowledged.</summary>
    public void Apply(CommittedBatch batch)
    {
        foreach (var write in batch.Writes)
        {
            if (write.Kind != WriteKind.Expect)
            {
                StripeOf(write.Key).Apply(write, batch.Sequence);
            }
        }
    }

    public void Clear()
    {
        foreach (var stripe in _stripes)
        {
            stripe.Clear();
        }
    }

    private Stripe StripeOf(StoreKey key) => _stripes[(uint)key.GetHashCode() % StripeCount];

    /// <summary>The moment before a read of the store.</summary>
    public readonly record struct Ticket(long Generation);

    private sealed class Node(StoreKey key, StoredRecord? record)
    {
        public StoreKey Key => key;

        public StoredRecord? Record { get; } = record;

        public int Size { get; } = (record?.Value.Length ?? 0) + key.Bytes.Length + EntryOverhead;

        /// <summary>Read since the hand came by; written only when it changes, so that hot records share their cache line.</summary>
        public bool Visited { get; set; }

        public Node? Older { get; set; }

        public Node? Younger { get; set; }
    }

    /// <summary>The part of the keys that is changed under one lock, and has one hand.</summary>
    private sealed class Stripe(ConcurrentDictionary<StoreKey, Node> nodes, long capacity)
    {
        private readonly Lock _gate = new();
        private Node? _oldest;
        private Node? _youngest;
        private Node? _hand;
        private long _size;
        private long _generation;

        public long Generation => Volatile.Read(ref _generation);

        public long Size => Volatile.Read(ref _size);

        public void Fill(StoreKey key, StoredRecord? record, Ticket ticket)
        {
            var node = new Node(key, record);

            // One record must not drive out everything else.
            if (node.Size > capacity / 4)
            {
                return;
            }

            lock (_gate)
            {
                if (_generation == ticket.Generation && !nodes.ContainsKey(key))
                {
                    Add(node);
                }
            }
        }

        public void Apply(Write write, long sequence)
        {
            lock (_gate)
            {
                _generation++;
                if (!nodes.TryGetValue(write.Key, out var old))
                {
                    return;
                }

                Remove(old);
                if (write.Kind != WriteKind.Put)
                {
                    return;
                }

                // What is in use is likely to be read again.
                var node = new Node(write.Key, new StoredRecord(write.Value, sequence, write.Due))
                {
                    Visited = old.Visited,
                };
                if (node.Size <= capacity / 4)
                {
                    Add(node);
                }
            }
        }

        public void Clear()
        {
            lock (_gate)
            {
                _generation++;
                while (_oldest is { } node)
                {
                    Remove(node);
                }
            }
        }

        private void Add(Node node)
        {
            MakeRoom(node.Size);
            nodes[node.Key] = node;
            node.Older = _youngest;
            if (_youngest is null)
            {
                _oldest = node;
            }
            else
            {
                _youngest.Younger = node;
            }

            _youngest = node;
            _size += node.Size;
        }

        private void MakeRoom(int size)
        {
            while (_size + size > capacity)
            {
                var node = _hand ?? _oldest!;
                if (node.Visited)
                {
                    node.Visited = false;
                    _hand = node.Younger;
                }
                else
                {
                    Remove(node);
                }
            }
        }

        private void Remove(Node node)
        {
            nodes.TryRemove(node.Key, out _);
            if (_hand == node)
            {
                _hand = node.Younger;
            }

            if (node.Older is null)
            {
                _oldest = node.Younger;
            }
            else
            {
                node.Older.Younger = node.Younger;
            }

            if (node.Younger is null)
            {
                _youngest = node.Older;
            }
            else
            {
                node.Younger.Older = node.Older;
            }

            _size -= node.Size;
        }
    }
}
