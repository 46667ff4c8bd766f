using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Crypto;
using Barrier = Mayfly.Core.Storage.Barrier;

namespace Mayfly.Tests.Storage;

public sealed class RecordCacheTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void It_never_holds_more_than_its_capacity_and_keeps_what_is_read()
    {
        var cache = new RecordCache(1 << 20);
        var hot = Key(-1);
        cache.Fill(hot, Record(1), cache.Begin(hot));
        for (var i = 0; i < 5_000; i++)
        {
            Assert.True(cache.TryGet(hot, out _));
            cache.Fill(Key(i), Record(1), cache.Begin(Key(i)));
            Assert.True(cache.Size <= 1 << 20);
        }

        Assert.True(cache.Count > 100);
        cache.Clear();
        Assert.Equal(0, cache.Count);
        Assert.Equal(0, cache.Size);
    }

    [Fact]
    public void A_record_too_large_for_its_share_is_not_kept()
    {
        var cache = new RecordCache(1 << 16);
        cache.Fill(Key(1), Record(1, 1 << 14), cache.Begin(Key(1)));
        Assert.Equal(0, cache.Count);
        var none = new RecordCache(0);
        none.Fill(Key(1), Record(1), none.Begin(Key(1)));
        Assert.Equal(0, none.Count);
    }

    [Fact]
    public void That_there_is_no_record_is_held_until_there_is_one()
    {
        var cache = new RecordCache(1 << 20);
        cache.Fill(Key(1), null, cache.Begin(Key(1)));
        Assert.True(cache.TryGet(Key(1), out var none));
        Assert.Null(none);
        var batch = new Batch();
        batch.Put(Key(1), new byte[10]);
        cache.Apply(new CommittedBatch(2, batch.Writes));
        Assert.True(cache.TryGet(Key(1), out var made));
        Assert.Equal(2, made!.Version);
    }

    [Fact]
    public async Task Asking_twice_for_what_does_not_exist_asks_the_store_once()
    {
        await using var store = new CountingReads(new MemoryStore());
        using var keyring = Keyring.Generate();
        using var barrier = new Barrier(store, keyring);
        Assert.Null(await barrier.GetAsync(Key(1), Cancellation));
        Assert.Null(await barrier.GetAsync(Key(1), Cancellation));
        Assert.False(await barrier.ExistsAsync(Key(1), Cancellation));
        Assert.Equal(1, store.Reads);
    }

    [Fact]
    public void A_reader_that_was_overtaken_by_a_commit_leaves_nothing_behind()
    {
        var cache = new RecordCache(1 << 20);
        var ticket = cache.Begin(Key(1));
        var batch = new Batch();
        batch.Put(Key(1), new byte[10]);
        cache.Apply(new CommittedBatch(2, batch.Writes));
        cache.Fill(Key(1), Record(1), ticket);
        Assert.False(cache.TryGet(Key(1), out _));
    }

    [Fact]
    public void A_commit_replaces_or_removes_what_is_held()
    {
        var cache = new RecordCache(1 << 20);
        cache.Fill(Key(1), Record(1), cache.Begin(Key(1)));
        var put = new Batch();
        put.Put(Key(1), new byte[10], due: 5);
        cache.Apply(new CommittedBatch(2, put.Writes));
        Assert.True(cache.TryGet(Key(1), out var replaced));
        Assert.Equal(2, replaced!.Version);
        Assert.Equal(5, replaced.Due);
        var delete = new Batch();
        delete.Delete(Key(1));
        cache.Apply(new CommittedBatch(3, delete.Writes));
        Assert.False(cache.TryGet(Key(1), out _));
        Assert.Equal(0, cache.Size);
    }

    [Fact]
    public async Task A_reader_never_sees_an_older_record_than_the_last_acknowledged_commit()
    {
        const int Keys = 4;
        const int Rounds = 1_000;
        await using var store = new LateReads(new MemoryStore());
        using var keyring = Keyring.Generate();
        using var barrier = new Barrier(store, keyring, cacheCapacity: 1 << 16);
        var acknowledged = new long[Keys];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var writers = Enumerable
            .Range(0, Keys)
            .Select(key =>
                Task.Run(async () =>
                {
                    for (var i = 1; i <= Rounds; i++)
                    {
                        var batch = new Batch();

                        // Every other one is too large to be held, so that readers have something to fill in all the time.
                        barrier.Put(batch, Key(key), new byte[i % 2 * 2_000]);
                        var result = await store.CommitAsync(batch, Cancellation);
                        Volatile.Write(ref acknowledged[key], result.Sequence);
                    }
                })
            )
            .ToList();
        var readers = Enumerable
            .Range(0, 4)
            .Select(_ =>
                Task.Run(async () =>
                {
                    for (var i = 0; !stop.IsCancellationRequested; i++)
                    {
                        var key = i % Keys;
                        var known = Volatile.Read(ref acknowledged[key]);
                        using var entry = await barrier.GetAsync(Key(key), Cancellation);
                        Assert.True((entry?.Version ?? 0) >= known);
                    }
                })
            )
            .ToList();
        await Task.WhenAll(writers);
        await stop.CancelAsync();
        await Task.WhenAll(readers);
        for (var key = 0; key < Keys; key++)
        {
            using var entry = await barrier.GetAsync(Key(key), Cancellation);
            Assert.Equal(acknowledged[key], entry!.Version);
        }
    }

    [Fact]
    public async Task What_is_remembered_is_ciphertext_and_reading_it_completes_at_once()
    {
        await using var store = new MemoryStore();
        using var keyring = Keyring.Generate();
        using var barrier = new Barrier(store, keyring);
        var batch = new Batch();
        barrier.Put(batch, Key(1), "a canary in the mine"u8);
        await store.CommitAsync(batch, Cancellation);
        (await barrier.GetAsync(Key(1), Cancellation))!.Dispose();
        Assert.True(barrier.Cache.TryGet(Key(1), out var record));
        Assert.True(Keyring.IsEnvelope(record!.Value.Span));
        Assert.Equal(-1, record.Value.Span.IndexOf("canary"u8));
        var reading = barrier.GetAsync(Key(1), Cancellation);
        Assert.True(reading.IsCompletedSuccessfully);
        using var entry = await reading;
        Assert.Equal("a canary in the mine"u8, entry!.Value.Span);
    }

    [Fact]
    public async Task A_remembered_read_allocates_little()
    {
        await using var store = new MemoryStore();
        using var keyring = Keyring.Generate();
        using var barrier = new Barrier(store, keyring);
        var batch = new Batch();
        barrier.Put(batch, Key(1), new byte[1024]);
        await store.CommitAsync(batch, Cancellation);
        for (var i = 0; i < 100; i++)
        {
            (await barrier.GetAsync(Key(1), Cancellation))!.Dispose();
        }

        const int Reads = 1_000;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Reads; i++)
        {
            (await barrier.GetAsync(Key(1), Cancellation))!.Dispose();
        }

        var each = (GC.GetAllocatedBytesForCurrentThread() - before) / Reads;
        TestContext.Current.TestOutputHelper?.WriteLine($"{each} bytes per read");
        Assert.InRange(each, 0, 400);
    }

    private static StoreKey Key(int number) => StoreKey.Root.Append("test").Append($"key {number}");

    private static StoredRecord Record(long version, int size = 500) => new(new byte[size], version, null);

    /// <summary>Counts the reads.</summary>
    private sealed class CountingReads(MemoryStore store) : ForwardingStore(store)
    {
        public int Reads { get; private set; }

        public override ValueTask<StoredRecord?> GetAsync(StoreKey key, CancellationToken cancellation)
        {
            Reads++;
            return base.GetAsync(key, cancellation);
        }
    }

    /// <summary>A store whose reads arrive after other threads had time to commit.</summary>
    private sealed class LateReads(MemoryStore store) : ForwardingStore(store)
    {
        public override async ValueTask<StoredRecord?> GetAsync(StoreKey key, CancellationToken cancellation)
        {
            var record = await base.GetAsync(key, cancellation);
            await Task.Yield();
            return record;
        }
    }
}
