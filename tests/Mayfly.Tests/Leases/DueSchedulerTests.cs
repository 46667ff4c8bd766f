using System.Collections.Concurrent;
using Mayfly.Core.Leases;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mayfly.Tests.Leases;

public sealed class DueSchedulerTests : IAsyncDisposable
{
    private readonly ManualTime _time = new();
    private readonly MemoryStore _store = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    [Fact]
    public async Task Postponed_record_that_ended_by_other_hands_is_forgotten()
    {
        var revoked = Key("a", "revoked");
        await PutAsync(Now, Key("a", "stuck"), revoked);
        await using var due = Scheduler((_, _) => new(DueWork.Done));
        await due.RunDueAsync(Cancellation);
        Assert.Equal(2, due.Postponed);

        await DeleteAsync([revoked]);
        _time.Advance(TimeSpan.FromSeconds(5));
        await due.RunDueAsync(Cancellation);

        Assert.Equal(1, due.Postponed);
    }

    [Fact]
    public async Task A_record_that_cannot_be_handled_does_not_hold_up_the_others_of_its_lane()
    {
        var stuck = Key("a", "stuck");
        await PutAsync(Now - 1, stuck);
        await PutAsync(Now, [.. Enumerable.Range(0, 2_000).Select(i => Key("a", $"{i}"))]);
        await using var due = Scheduler((records, _) => DeleteAsync(records.Select(r => r.Key).Where(k => k != stuck)));

        await due.RunDueAsync(Cancellation);

        Assert.Equal(1, await _store.CountAsync(StoreKey.Root, Cancellation));
    }

    [Fact]
    public async Task A_lane_that_takes_long_holds_up_no_other()
    {
        var slow = new TaskCompletionSource();
        await PutAsync(Now - 1, [.. Enumerable.Range(0, 2_000).Select(i => Key("slow", $"{i}"))]);
        await PutAsync(Now, Key("quick", "1"));
        var quick = new TaskCompletionSource();
        await using var due = Scheduler(
            async (records, _) =>
            {
                var isSlow = records[0].Key.StartsWith(StoreKey.Root.Append("lane").Append("slow"));
                if (isSlow)
                {
                    await slow.Task;
                }

                await DeleteAsync(records.Select(record => record.Key));
                if (!isSlow)
                {
                    quick.SetResult();
                }

                return DueWork.Done;
            }
        );
        due.Start();

        await quick.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);

        Assert.Equal(2_000, await _store.CountAsync(StoreKey.Root, Cancellation));
        slow.SetResult();
        await due.RunDueAsync(Cancellation);
        Assert.Equal(0, await _store.CountAsync(StoreKey.Root, Cancellation));
    }

    [Fact]
    public async Task A_folder_whose_owner_is_away_is_left_alone_for_a_while()
    {
        var calls = new ConcurrentQueue<int>();
        var isAway = true;
        await PutAsync(Now, Key("a", "1"), Key("a", "2"));
        await using var due = Scheduler(
            async (records, _) =>
            {
                calls.Enqueue(records.Count);
                return isAway
                    ? new DueWork([records[0].Key.Folder], Task.CompletedTask)
                    : await DeleteAsync(records.Select(record => record.Key));
            }
        );

        await due.RunDueAsync(Cancellation);
        await due.RunDueAsync(Cancellation);
        Assert.Equal([2], calls);

        isAway = false;
        _time.Advance(TimeSpan.FromSeconds(5));
        await due.RunDueAsync(Cancellation);
        Assert.Equal([2, 2], calls);
        Assert.Equal(0, await _store.CountAsync(StoreKey.Root, Cancellation));
    }

    [Fact]
    public async Task A_folder_that_is_away_holds_up_no_other_of_its_lane_however_much_is_due_in_it()
    {
        const int Away = 20_000;
        var calls = 0;
        var folder = Key("a", "away");
        await PutAsync(Now - 1, Enumerable.Range(0, Away).Select(i => folder.Append($"{i}")));
        await PutAsync(Now, Key("a", "other").Append("1"));
        var isAway = true;
        await using var due = Scheduler(
            async (records, _) =>
            {
                calls++;
                var rest = records.Select(record => record.Key).Where(key => !isAway || key.Folder != folder);
                await DeleteAsync(rest);
                return isAway ? new DueWork([folder], Task.CompletedTask) : DueWork.Done;
            }
        );

        await due.RunDueAsync(Cancellation);
        Assert.Equal(Away, await _store.CountAsync(StoreKey.Root, Cancellation));
        Assert.Equal(2, calls);

        await PutAsync(Now, Key("a", "other").Append("2"));
        await due.RunDueAsync(Cancellation);
        Assert.Equal(Away, await _store.CountAsync(StoreKey.Root, Cancellation));
        Assert.Equal(0, due.Postponed);

        isAway = false;
        _time.Advance(TimeSpan.FromSeconds(13));
        await due.RunDueAsync(Cancellation);
        Assert.Equal(0, await _store.CountAsync(StoreKey.Root, Cancellation));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task What_comes_due_is_handled_after_the_clock_has_jumped(int hours)
    {
        var handled = new SemaphoreSlim(0);
        await PutAsync(Now, Key("a", "before"));
        await using var due = Scheduler(
            async (records, _) =>
            {
                await DeleteAsync(records.Select(record => record.Key));
                handled.Release(records.Count);
                return DueWork.Done;
            }
        );
        due.Start();
        Assert.True(await handled.WaitAsync(TimeSpan.FromSeconds(30), Cancellation));

        _time.Advance(TimeSpan.FromHours(hours));
        await PutAsync(Now + 1_000, Key("a", "after"), Key("b", "after"));
        for (var i = 0; i < 2; i++)
        {
            while (!await handled.WaitAsync(TimeSpan.FromMilliseconds(10), Cancellation))
            {
                _time.Advance(TimeSpan.FromSeconds(1));
            }
        }

        Assert.Equal(0, await _store.CountAsync(StoreKey.Root, Cancellation));
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task What_its_owner_moves_on_after_its_call_is_handled_in_time_the_next_time()
    {
        var handled = 0;
        var key = Key("a", "slow");
        await using var due = Scheduler(
            (_, _) =>
            {
                handled++;
                return new(DueWork.Done);
            }
        );
        for (var round = 1; round <= 6; round++)
        {
            await PutAsync(Now, key);
            await due.RunDueAsync(Cancellation);
            Assert.Equal(round, handled);
            // What the owner does when its call has returned long since; less than what a second failure would wait.
            await PutAsync(Now + 3_000, key);
            _time.Advance(TimeSpan.FromSeconds(3));
        }
    }

    /// <remarks>Otherwise the scheduler sees a lane that runs, has nothing to wait for, and sleeps as long as it ever does.</remarks>
    [Fact]
    public async Task A_run_is_over_when_its_end_is_told()
    {
        var lane = new DueLaneRun(Key("a", "1").Lane, _store, _time, NullLogger.Instance, (_, _) => new(DueWork.Done));
        bool? runs = null;

        lane.Start(() => runs = lane.IsRunning, Cancellation);

        await lane.Running;
        Assert.False(runs);
    }

    [Fact]
    public async Task What_comes_due_while_a_lane_runs_is_not_kept_waiting_with_what_is_postponed()
    {
        var (stuck, quick) = (Key("a", "stuck"), Key("a", "quick"));
        await PutAsync(Now, stuck);
        var due = new DueLaneRun(stuck.Lane, _store, _time, NullLogger.Instance, (_, _) => new(DueWork.Done));
        due.Start(() => { }, Cancellation);
        await due.Running;
        await PutAsync(Now + 1_000, quick);
        var idle = due.StartsAt(_time.GetUtcNow());
        Assert.True(idle > _time.GetUtcNow());

        due.Notice(Now + 1_000);

        Assert.Equal(_time.GetUtcNow(), due.StartsAt(_time.GetUtcNow()));
    }

    private DueScheduler Scheduler(DueHandler handle) => new(_store, _time, NullLogger.Instance, handle);

    private static StoreKey Key(string lane, string name) => StoreKey.Root.Append("lane").Append(lane).Append(name);

    private async Task PutAsync(long due, params IEnumerable<StoreKey> keys)
    {
        var batch = new Batch();
        foreach (var key in keys)
        {
            batch.Put(key, "a"u8.ToArray(), due);
        }

        await _store.CommitAsync(batch, Cancellation);
    }

    private async ValueTask<DueWork> DeleteAsync(IEnumerable<StoreKey> keys)
    {
        var batch = new Batch();
        foreach (var key in keys)
        {
            batch.Delete(key);
        }

        Assert.True((await _store.CommitAsync(batch, Cancellation)).Succeeded);
        return DueWork.Done;
    }
}
