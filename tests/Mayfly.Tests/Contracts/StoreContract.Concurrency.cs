using System.Collections.Concurrent;
using System.Security.Cryptography;
using Mayfly.Core.Storage;

namespace Mayfly.Tests.Contracts;

/// <summary>The part of the contract that is about several callers and about observers.</summary>
public abstract partial class StoreContract
{
    [Fact]
    public async Task Observers_hear_of_each_commit_in_order_before_it_is_acknowledged()
    {
        var heard = new ConcurrentQueue<long>();
        using var observation = Store.Observe(batch => heard.Enqueue(batch.Sequence));
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 300),
            Cancellation,
            async (i, _) =>
            {
                var result = await PutAsync(Key("k" + i), [1]);
                Assert.Contains(result.Sequence, heard);
            }
        );

        Assert.Equal(300, heard.Count);
        Assert.Equal(heard.Order(), heard);
        Assert.Equal(300, heard.Distinct().Count());
    }

    [Fact]
    public async Task Observers_hear_nothing_of_conflicts_and_nothing_after_they_ended()
    {
        var heard = new List<CommittedBatch>();
        var observation = Store.Observe(heard.Add);
        await PutAsync(Key("a"), [1]);
        await PutAsync(Key("a"), [1], expected: 0);
        observation.Dispose();
        await PutAsync(Key("b"), [1]);

        var only = Assert.Single(heard);
        Assert.Equal(Key("a"), Assert.Single(only.Writes).Key);
    }

    [Fact]
    public async Task An_observer_that_throws_harms_neither_the_commit_nor_other_observers()
    {
        var heard = 0;
        using var first = Store.Observe(_ => throw new InvalidOperationException("a bug in an observer"));
        using var second = Store.Observe(_ => heard++);

        Assert.True((await PutAsync(Key("a"), [1])).Succeeded);
        Assert.True((await PutAsync(Key("b"), [1])).Succeeded);
        Assert.Equal(2, heard);
    }

    [Fact]
    public async Task Each_caller_reads_its_own_write_while_others_write()
    {
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 16),
            Cancellation,
            async (caller, _) =>
            {
                var key = Key("caller" + caller);
                for (var i = 0; i < 50; i++)
                {
                    var value = RandomNumberGenerator.GetBytes(64);
                    var result = await PutAsync(key, value);
                    var record = await Store.GetAsync(key, Cancellation);
                    Assert.Equal(value, record!.Value.ToArray());
                    Assert.Equal(result.Sequence, record.Version);
                }
            }
        );
    }

    [Fact]
    public async Task Of_callers_that_expect_the_same_version_exactly_one_wins()
    {
        await PutAsync(Key("counter"), BitConverter.GetBytes(0));
        var wins = 0;
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 16),
            Cancellation,
            async (_, _) =>
            {
                for (var done = 0; done < 20; )
                {
                    var now = await Store.GetAsync(Key("counter"), Cancellation);
                    var next = BitConverter.GetBytes(BitConverter.ToInt32(now!.Value.Span) + 1);
                    var result = await PutAsync(Key("counter"), next, expected: now.Version);
                    if (result.Succeeded)
                    {
                        Interlocked.Increment(ref wins);
                        done++;
                    }
                }
            }
        );

        Assert.Equal(16 * 20, wins);
        var last = await Store.GetAsync(Key("counter"), Cancellation);
        Assert.Equal(16 * 20, BitConverter.ToInt32(last!.Value.Span));
    }

    [Fact]
    public async Task Conflicts_do_not_harm_the_commits_beside_them()
    {
        await PutAsync(Key("taken"), [1]);
        var results = new ConcurrentBag<(int Index, CommitResult Result)>();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 200),
            Cancellation,
            async (i, _) =>
            {
                var batch = new Batch();
                batch.Put(Key("k" + i), new[] { (byte)i });
                if (i % 3 == 0)
                {
                    batch.Put(Key("taken"), new byte[] { 2 }, expectedVersion: 0);
                }

                results.Add((i, await Store.CommitAsync(batch, Cancellation)));
            }
        );

        foreach (var (index, result) in results)
        {
            Assert.Equal(index % 3 == 0 ? CommitStatus.Conflict : CommitStatus.Committed, result.Status);
            Assert.Equal(index % 3 != 0, await Store.GetAsync(Key("k" + index), Cancellation) is not null);
        }

        Assert.Equal(1, (await Store.GetAsync(Key("taken"), Cancellation))!.Value.Span[0]);
    }
}
