using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Storage;
using Mayfly.Tests.Storage;

namespace Mayfly.Tests.Contracts;

/// <summary>
/// Everything that <see cref="IStore"/> promises. A new store inherits this class and says how it is opened; each test
/// gets an empty store of its own.
/// </summary>
public abstract partial class StoreContract : IAsyncLifetime
{
    private static readonly StoreKey Folder = StoreKey.Root.Append("folder");

    protected IStore Store { get; private set; } = null!;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A new, empty store.</summary>
    protected abstract ValueTask<IStore> OpenAsync();

    public async ValueTask InitializeAsync() => Store = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task What_was_never_written_is_not_there()
    {
        Assert.Null(await Store.GetAsync(Key("a"), Cancellation));
        Assert.Empty(await Store.ListAsync(StoreKey.Root, Cancellation));
        Assert.Empty(await Store.ScanAsync(StoreKey.Root, null, 10, Cancellation));
        Assert.Empty(await Store.DueAsync(long.MaxValue, 10, Cancellation));
        Assert.Null(await Store.NextDueAsync(Cancellation));
        Assert.Equal(0, await Store.CountAsync(StoreKey.Root, Cancellation));
    }

    [Fact]
    public async Task A_committed_record_is_read_back_with_its_version_and_due_time()
    {
        var result = await PutAsync(Key("a"), [1, 2, 3], due: 77);
        Assert.True(result.Succeeded);
        Assert.True(result.Sequence > 0);

        var record = await Store.GetAsync(Key("a"), Cancellation);
        Assert.NotNull(record);
        Assert.Equal([1, 2, 3], record.Value.ToArray());
        Assert.Equal(result.Sequence, record.Version);
        Assert.Equal(77, record.Due);
    }

    [Fact]
    public async Task A_later_write_replaces_value_version_and_due_time()
    {
        var first = await PutAsync(Key("a"), [1], due: 5);
        var second = await PutAsync(Key("a"), [2, 2]);
        Assert.True(second.Sequence > first.Sequence);

        var record = await Store.GetAsync(Key("a"), Cancellation);
        Assert.Equal([2, 2], record!.Value.ToArray());
        Assert.Equal(second.Sequence, record.Version);
        Assert.Null(record.Due);
        Assert.Null(await Store.NextDueAsync(Cancellation));
    }

    [Fact]
    public async Task A_deleted_record_is_gone_and_deleting_it_again_is_fine()
    {
        await PutAsync(Key("a"), [1], due: 5);
        Assert.True((await DeleteAsync(Key("a"))).Succeeded);
        Assert.True((await DeleteAsync(Key("a"))).Succeeded);

        Assert.Null(await Store.GetAsync(Key("a"), Cancellation));
        Assert.Empty(await Store.ListAsync(StoreKey.Root, Cancellation));
        Assert.Null(await Store.NextDueAsync(Cancellation));
    }

    [Fact]
    public async Task The_store_keeps_its_own_copy_of_a_value()
    {
        var value = new byte[] { 1, 2, 3 };
        await PutAsync(Key("a"), value);
        value[0] = 99;
        Assert.Equal([1, 2, 3], (await Store.GetAsync(Key("a"), Cancellation))!.Value.ToArray());
    }

    [Fact]
    public async Task A_precondition_that_does_not_hold_refuses_the_whole_batch()
    {
        var first = await PutAsync(Key("a"), [1]);
        var batch = new Batch();
        batch.Put(Key("b"), new byte[] { 2 });
        batch.Delete(Key("a"), expectedVersion: first.Sequence + 1);

        var result = await Store.CommitAsync(batch, Cancellation);

        Assert.Equal(CommitStatus.Conflict, result.Status);
        Assert.Equal(0, result.Sequence);
        Assert.Null(await Store.GetAsync(Key("b"), Cancellation));
        Assert.NotNull(await Store.GetAsync(Key("a"), Cancellation));
    }

    [Fact]
    public async Task Version_zero_expects_that_the_key_does_not_exist()
    {
        Assert.True((await PutAsync(Key("a"), [1], expected: 0)).Succeeded);
        Assert.Equal(CommitStatus.Conflict, (await PutAsync(Key("a"), [2], expected: 0)).Status);
        Assert.Equal([1], (await Store.GetAsync(Key("a"), Cancellation))!.Value.ToArray());

        await DeleteAsync(Key("a"));
        Assert.True((await PutAsync(Key("a"), [3], expected: 0)).Succeeded);
    }

    [Fact]
    public async Task The_right_version_lets_a_write_through_once()
    {
        var first = await PutAsync(Key("a"), [1]);
        Assert.True((await PutAsync(Key("a"), [2], expected: first.Sequence)).Succeeded);
        Assert.Equal(CommitStatus.Conflict, (await PutAsync(Key("a"), [3], expected: first.Sequence)).Status);
    }

    [Fact]
    public async Task Expect_guards_a_batch_without_writing()
    {
        var first = await PutAsync(Key("guard"), [1]);

        var batch = new Batch();
        batch.Expect(Key("guard"), first.Sequence);
        batch.Put(Key("a"), new byte[] { 1 });
        Assert.True((await Store.CommitAsync(batch, Cancellation)).Succeeded);
        Assert.Equal(first.Sequence, (await Store.GetAsync(Key("guard"), Cancellation))!.Version);

        var refused = new Batch();
        refused.Expect(Key("guard"), 0);
        refused.Put(Key("b"), new byte[] { 1 });
        Assert.Equal(CommitStatus.Conflict, (await Store.CommitAsync(refused, Cancellation)).Status);
        Assert.Null(await Store.GetAsync(Key("b"), Cancellation));
    }

    [Fact]
    public async Task Everything_in_a_batch_gets_its_sequence_as_version()
    {
        var batch = new Batch();
        for (var i = 0; i < 50; i++)
        {
            batch.Put(Key("k" + i), new[] { (byte)i });
        }

        var result = await Store.CommitAsync(batch, Cancellation);
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(result.Sequence, (await Store.GetAsync(Key("k" + i), Cancellation))!.Version);
        }
    }

    [Fact]
    public async Task An_empty_batch_commits()
    {
        Assert.True((await Store.CommitAsync(new Batch(), Cancellation)).Succeeded);
    }

    [Fact]
    public async Task Listing_gives_direct_children_and_folders_once()
    {
        await PutAsync(Folder.Append("one"), [1]);
        await PutAsync(Folder.Append("two").Append("deep").Append("deeper"), [1]);
        await PutAsync(Folder.Append("two").Append("other"), [1]);
        await PutAsync(Folder.Append("zebra"), [1]);
        await PutAsync(StoreKey.Root.Append("elsewhere"), [1]);
        await PutAsync(StoreKey.Root.Append("foldes").Append("neighbour"), [1]);

        Assert.Equal(["one", "two/", "zebra"], await NamesAsync(Folder));
        Assert.Equal(["deep/", "other"], await NamesAsync(Folder.Append("two")));
        Assert.Equal(["elsewhere", "folder/", "foldes/"], await NamesAsync(StoreKey.Root));
        Assert.Empty(await NamesAsync(Folder.Append("one")));
        Assert.Empty(await NamesAsync(Folder.Append("absent")));
    }

    [Fact]
    public async Task A_record_and_a_folder_of_one_name_are_both_listed()
    {
        await PutAsync(Folder.Append("name"), [1]);
        await PutAsync(Folder.Append("name").Append("child"), [2]);

        Assert.Equal(["name", "name/"], await NamesAsync(Folder));

        await DeleteAsync(Folder.Append("name"));
        Assert.Equal(["name/"], await NamesAsync(Folder));
        Assert.Equal([2], (await Store.GetAsync(Folder.Append("name").Append("child"), Cancellation))!.Value.ToArray());
    }

    [Fact]
    public async Task Any_byte_may_stand_in_a_key_and_long_segments_too()
    {
        byte[][] segments =
        [
            [0],
            [0, 0],
            [0xff],
            [0xff, 0xff],
            [0x2f],
            [0, 1, 0xff, 0],
            RandomNumberGenerator.GetBytes(3000),
            [.. Enumerable.Repeat((byte)0xff, 300)],
        ];
        foreach (var segment in segments)
        {
            await PutAsync(StoreKey.Root.Append(segment), segment);
            await PutAsync(StoreKey.Root.Append(segment).Append([0xff]), segment);
        }

        foreach (var segment in segments)
        {
            var record = await Store.GetAsync(StoreKey.Root.Append(segment), Cancellation);
            Assert.Equal(segment, record!.Value.ToArray());
            var child = Assert.Single(await Store.ListAsync(StoreKey.Root.Append(segment), Cancellation));
            Assert.Equal([0xff], child.Segment.ToArray());
        }

        Assert.Equal(segments.Length * 2, (await Store.ListAsync(StoreKey.Root, Cancellation)).Count);
        Assert.Equal(segments.Length * 2, await Store.CountAsync(StoreKey.Root, Cancellation));
    }

    [Fact]
    public async Task Empty_values_and_a_mebibyte_are_values_like_others()
    {
        var large = RandomNumberGenerator.GetBytes(1 << 20);
        Assert.Equal(CommitStatus.Committed, (await PutAsync(Key("empty"), [])).Status);
        var result = await PutAsync(Key("large"), large);
        Assert.True(result.Succeeded, result.Reason);

        Assert.Empty((await Store.GetAsync(Key("empty"), Cancellation))!.Value.ToArray());
        Assert.Equal(large, (await Store.GetAsync(Key("large"), Cancellation))!.Value.ToArray());
    }

    [Fact]
    public async Task A_scan_gives_pages_in_key_order()
    {
        var keys = Enumerable.Range(0, 25).Select(i => Folder.Append($"k{i:000}")).ToList();
        foreach (var key in keys.AsEnumerable().Reverse())
        {
            await PutAsync(key, key.Bytes.ToArray());
        }

        await PutAsync(Folder, [1]);
        await PutAsync(StoreKey.Root.Append("zzzzzz"), [1]);
        var seen = new List<StoreKey>();
        StoreKey? after = null;
        while (true)
        {
            var page = await Store.ScanAsync(Folder, after, 7, Cancellation);
            Assert.True(page.Count <= 7);
            if (page.Count == 0)
            {
                break;
            }

            Assert.All(page, found => Assert.Equal(found.Key.Bytes.ToArray(), found.Record.Value.ToArray()));
            seen.AddRange(page.Select(found => found.Key));
            after = page[^1].Key;
        }

        Assert.Equal(keys, seen);
    }

    [Fact]
    public async Task A_scan_may_go_on_after_a_key_that_was_deleted()
    {
        await PutAsync(Folder.Append("a"), [1]);
        await PutAsync(Folder.Append("b"), [1]);
        await PutAsync(Folder.Append("c"), [1]);
        await DeleteAsync(Folder.Append("b"));

        var page = await Store.ScanAsync(Folder, Folder.Append("b"), 10, Cancellation);
        Assert.Equal([Folder.Append("c")], page.Select(found => found.Key));
    }

    [Fact]
    public async Task Counting_counts_what_is_below()
    {
        await PutAsync(Folder, [1]);
        await PutAsync(Folder.Append("a"), [1]);
        await PutAsync(Folder.Append("b").Append("c"), [1]);
        await PutAsync(Key("other"), [1]);

        Assert.Equal(2, await Store.CountAsync(Folder, Cancellation));
        Assert.Equal(4, await Store.CountAsync(StoreKey.Root, Cancellation));
        Assert.Equal(0, await Store.CountAsync(Folder.Append("a"), Cancellation));
    }

    [Fact]
    public async Task Due_records_come_earliest_first_and_only_when_due()
    {
        await PutAsync(Key("late"), [3], due: 300);
        await PutAsync(Key("early"), [1], due: 100);
        await PutAsync(Key("never"), [9]);
        await PutAsync(Key("middle"), [2], due: 200);
        await PutAsync(Key("before the epoch"), [0], due: -5);

        Assert.Equal(-5, await Store.NextDueAsync(Cancellation));
        Assert.Equal(["0", "1", "2"], await DueAsync(200, 10));
        Assert.Equal(["0", "1"], await DueAsync(300, 2));
        Assert.Empty(await DueAsync(-6, 10));

        await PutAsync(Key("early"), [1], due: 400);
        Assert.Equal(["0", "2", "3", "1"], await DueAsync(long.MaxValue, 10));

        async Task<IEnumerable<string>> DueAsync(long until, int limit) =>
            (await Store.DueAsync(until, limit, Cancellation)).Select(found => $"{found.Record.Value.Span[0]}");
    }

    [Fact]
    public async Task Due_records_stand_in_lanes_by_the_first_two_parts_of_their_keys()
    {
        var first = Key("mount").Append("1");
        var second = Key("mount").Append("2");
        await PutAsync(first.Append("late"), [1], due: 300);
        await PutAsync(first.Append("folder").Append("early"), [2], due: 100);
        await PutAsync(second.Append("a"), [3], due: 200);
        await PutAsync(second.Append("b"), [4]);
        await PutAsync(Key("alone"), [5], due: 50);

        var lanes = await Store.DueLanesAsync(Cancellation);
        Assert.Equal(
            new[] { new DueLane(first.Lane, 100), new(second.Lane, 200), new(Key("alone").Lane, 50) }.ToHashSet(),
            lanes.ToHashSet()
        );
        Assert.Equal(3, lanes.Count);
        Assert.Equal([2, 1], await DueAsync(first.Lane, long.MaxValue));
        Assert.Equal([2], await DueAsync(first.Append("any").Append("depth").Lane, 299));
        Assert.Equal([3], await DueAsync(second.Lane, long.MaxValue));
        Assert.Empty(await DueAsync(Key("none").Lane, long.MaxValue));

        await PutAsync(second.Append("a"), [3]);
        Assert.DoesNotContain(await Store.DueLanesAsync(Cancellation), lane => lane.Lane == second.Lane);

        async Task<IEnumerable<byte>> DueAsync(long lane, long until) =>
            (await Store.DueAsync(lane, until, 10, Cancellation)).Select(found => found.Record.Value.Span[0]);
    }

    [Fact]
    public async Task Due_records_are_gone_through_page_by_page_also_when_many_share_a_time()
    {
        var lane = Key("a").Append("b");
        for (byte i = 0; i < 20; i++)
        {
            await PutAsync(lane.Append($"{i}"), [i], due: i < 15 ? 100 : 100 + i);
        }

        var found = new List<int>();
        var page = new DuePage([], DuePlace.Start);
        do
        {
            page = await Store.DueAsync(lane.Lane, page.Last, 118, 4, Cancellation);
            Assert.InRange(page.Records.Count, 0, 4);
            found.AddRange(page.Records.Select(record => (int)record.Record.Value.Span[0]));

            // What is taken away meanwhile does not move the place.
            Assert.True(page.Records.Count == 0 || (await DeleteAsync(page.Records[^1].Key)).Succeeded);
        } while (page.Records.Count > 0);

        Assert.Equal(Enumerable.Range(0, 19), found.Order());
        Assert.Equal([15, 16, 17, 18], found[15..]);
        Assert.Empty((await Store.DueAsync(lane.Lane, page.Last, 118, 4, Cancellation)).Records);
    }

    [Fact]
    public async Task Due_records_carry_key_version_and_due_time()
    {
        var result = await PutAsync(Key("a"), [7], due: 12);
        var found = Assert.Single(await Store.DueAsync(12, 10, Cancellation));
        Assert.Equal(Key("a"), found.Key);
        Assert.Equal(result.Sequence, found.Record.Version);
        Assert.Equal(12, found.Record.Due);
    }

    [Fact]
    public async Task A_cancelled_commit_throws_and_writes_nothing()
    {
        var batch = new Batch();
        batch.Put(Key("a"), new byte[] { 1 });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await Store.CommitAsync(batch, new CancellationToken(canceled: true))
        );
        Assert.Null(await Store.GetAsync(Key("a"), Cancellation));
    }

    [Fact]
    public async Task Cancelled_reads_throw()
    {
        var cancelled = new CancellationToken(canceled: true);
        var root = StoreKey.Root;
        await ThrowsAsync(async () => await Store.GetAsync(Key("a"), cancelled));
        await ThrowsAsync(async () => await Store.ListAsync(root, cancelled));
        await ThrowsAsync(async () => await Store.ScanAsync(root, null, 1, cancelled));
        await ThrowsAsync(async () => await Store.DueAsync(0, 1, cancelled));
        await ThrowsAsync(async () => await Store.NextDueAsync(cancelled));
        await ThrowsAsync(async () => await Store.CountAsync(root, cancelled));

        static async Task ThrowsAsync(Func<Task> read) => await Assert.ThrowsAnyAsync<OperationCanceledException>(read);
    }

    [Fact]
    public void Random_batches_leave_what_a_plain_dictionary_would_hold()
    {
        var run = 0;
        Prop.ForAll(StoreModel.Steps, steps => new StoreModel(Store, Key("run" + run++), Cancellation).RunAsync(steps))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(40).WithQuietOnSuccess(true));
    }

    [Fact]
    public async Task After_dispose_commits_answer_unavailable()
    {
        await Store.DisposeAsync();
        var result = await PutAsync(Key("a"), [1]);
        Assert.Equal(CommitStatus.Unavailable, result.Status);
        Assert.False(string.IsNullOrEmpty(result.Reason));
        await Store.DisposeAsync();
    }

    protected static StoreKey Key(string name) => StoreKey.Root.Append(name);

    protected ValueTask<CommitResult> PutAsync(StoreKey key, byte[] value, long? due = null, long? expected = null)
    {
        var batch = new Batch();
        batch.Put(key, value, due, expected);
        return Store.CommitAsync(batch, Cancellation);
    }

    protected ValueTask<CommitResult> DeleteAsync(StoreKey key)
    {
        var batch = new Batch();
        batch.Delete(key);
        return Store.CommitAsync(batch, Cancellation);
    }

    private async Task<List<string>> NamesAsync(StoreKey folder)
    {
        var children = await Store.ListAsync(folder, Cancellation);
        return
        [
            .. children
                .Select(child => System.Text.Encoding.UTF8.GetString(child.Segment.Span) + (child.IsFolder ? "/" : ""))
                .Order(StringComparer.Ordinal),
        ];
    }
}
