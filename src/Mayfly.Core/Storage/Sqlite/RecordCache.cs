using System.Collections.Concurrent;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>
/// Records that were read or written lately, as stored (envelopes, so nothing here is secret in clear). Hits take no
/// lock. It never gives what a commit has replaced: the writer applies each commit here before it is acknowledged, and a
/// reader that was overtaken by a commit cannot put its old find in (see <see cref="Ticket"/>).
/// </summary>
internal sealed class RecordCache(long capacity)
{
    private const int Stripes = 64;
    private const int Overhead = 200;

    private readonly ConcurrentDictionary<StoreKey, StoredRecord> _records = new();
    private readonly Stripe[] _stripes = [.. Enumerable.Range(0, Stripes).Select(_ => new Stripe())];

    public StoredRecord? Find(StoreKey key) => _records.GetValueOrDefault(key);

    /// <summary>To be taken before the store is read, and given to <see cref="Add"/> with what was found.</summary>
    public Ticket Begin(StoreKey key)
    {
        var stripe = StripeOf(key);
        return new Ticket(stripe, Volatile.Read(ref stripe.Generation));
    }

    public void Add(StoreKey key, StoredRecord record, Ticket ticket)
    {
        if (capacity == 0)
        {
            return;
        }

        lock (ticket.Stripe.Gate)
        {
            if (ticket.Stripe.Generation == ticket.Generation)
            {
                Set(ticket.Stripe, key, record);
            }
        }
    }

    public void Apply(Batch batch, long sequence)
    {
        if (capacity == 0)
        {
            return;
        }

        var writes = batch.Writes;
        for (var i = 0; i < writes.Count; i++)
        {
            var write = writes[i];
            if (write.Kind == WriteKind.Expect)
            {
                continue;
            }

            var stripe = StripeOf(write.Key);
            lock (stripe.Gate)
            {
                stripe.Generation++;
                if (write.Kind == WriteKind.Put && write.Value.Length <= capacity / Stripes / 8)
                {
                    Set(stripe, write.Key, new StoredRecord(write.Value.ToArray(), sequence, write.Due));
                }
                else
                {
                    Remove(stripe, write.Key);
                }
            }
        }
    }

    private void Set(Stripe stripe, StoreKey key, StoredRecord record)
    {
        Remove(stripe, key);
        _records[key] = record;
        stripe.Bytes += SizeOf(key, record);
        stripe.Order.Enqueue(key);

        // First in, first out: cheap, needs no bookkeeping on a hit, and what is hot is back with its next read.
        while (stripe.Bytes > capacity / Stripes && stripe.Order.TryDequeue(out var oldest))
        {
            Remove(stripe, oldest);
        }
    }

    private void Remove(Stripe stripe, StoreKey key)
    {
        if (_records.TryRemove(key, out var old))
        {
            stripe.Bytes -= SizeOf(key, old);
        }
    }

    private static long SizeOf(StoreKey key, StoredRecord record) => key.Bytes.Length + record.Value.Length + Overhead;

    private Stripe StripeOf(StoreKey key) => _stripes[(uint)key.GetHashCode() % Stripes];

    /// <summary>A part of the keys with what is counted and ordered for it.</summary>
    internal sealed class Stripe
    {
        public long Generation;

        public Lock Gate { get; } = new();

        public Queue<StoreKey> Order { get; } = new();

        public long Bytes { get; set; }
    }

    /// <summary>How many commits had touched the key's part of the cache when the read began.</summary>
    internal readonly record struct Ticket(Stripe Stripe, long Generation);
}
