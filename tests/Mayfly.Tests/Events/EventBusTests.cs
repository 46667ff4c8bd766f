using System.Text;
using System.Text.Json;
using Mayfly.Core.Engines;
using Mayfly.Core.Events;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;

namespace Mayfly.Tests.Events;

/// <summary>The bus alone: order, bounds, what is kept, who is told what.</summary>
public sealed class EventBusTests : IDisposable
{
    private static readonly Mount Kv = new()
    {
        Uuid = "1",
        Kind = EngineKind.Secrets,
        Path = "secret/",
        Type = "kv",
        Accessor = "kv_0a1b2c3d",
    };

    private readonly ManualTime _time = new();
    private readonly EventBus _bus;

    public EventBusTests() =>
        _bus = Bus(
            new EventLimits
            {
                Kept = 16,
                Subscriptions = 8,
                SubscriptionsPerToken = 2,
            }
        );

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_subscriber_reads_what_is_published_after_it_came_in_order()
    {
        Publish("before");
        using var subscription = Subscribe();
        Publish("a");
        Publish("b");
        Assert.Equal(["secret/data/a", "secret/data/b"], await ReadAsync(subscription));
        Publish("c");
        Assert.Equal(["secret/data/c"], await ReadAsync(subscription));
    }

    [Fact]
    public async Task A_waiting_subscriber_is_woken_by_the_next_event()
    {
        using var subscription = Subscribe();
        var reading = ReadAsync(subscription);
        Publish("a");
        Assert.Equal(["secret/data/a"], await reading);
    }

    [Fact]
    public async Task An_event_looks_as_vaults()
    {
        using var subscription = Subscribe();
        _bus.SourceOf(Kv).Publish("kv-v2/data-write", "data/a", "data/a", ("current_version", "3"));
        var batch = await subscription.ReadAsync(Cancellation);
        var change = Assert.Single(batch.Events);
        Assert.Equal(
            $$$"""{"id":"{{{change.Id}}}","source":"mayfly://test","specversion":"1.0","type":"*","data":{"event":{"id":"{{{change.Id}}}","metadata":{"current_version":"3","data_path":"secret/data/a","modified":"true","operation":"data-write","path":"secret/data/a"}},"event_type":"kv-v2/data-write","plugin_info":{"mount_class":"secret","mount_accessor":"kv_0a1b2c3d","mount_path":"secret/","plugin":"kv"}},"datacontentype":"application/cloudevents","time":"2026-01-01T00:00:00Z"}""",
            Encoding.UTF8.GetString(change.Json.Span)
        );
    }

    [Fact]
    public async Task A_reader_that_is_too_slow_is_told_that_it_lost_events_and_goes_on_with_the_oldest_that_are_kept()
    {
        using var slow = Subscribe();
        for (var i = 0; i < 40; i++)
        {
            Publish($"{i}");
        }

        var batch = await slow.ReadAsync(Cancellation);
        var notice = JsonDocument.Parse(batch.Lost).RootElement.GetProperty("data");
        Assert.Equal("mayfly/lost", notice.GetProperty("event_type").GetString());
        Assert.Equal(
            Enumerable.Range(24, 16).Select(i => $"secret/data/{i}"),
            batch.Events.Select(change => change.DataPath)
        );
    }

    [Fact]
    public async Task The_log_is_bounded_in_bytes_too()
    {
        using var bus = Bus(new EventLimits { Kept = 1_000, KeptBytes = 4_000 });
        using var slow = Subscribe(bus);
        for (var i = 0; i < 1_000; i++)
        {
            bus.SourceOf(Kv).Publish("kv-v2/data-write", $"data/{i}", $"data/{i}");
        }

        var batch = await slow.ReadAsync(Cancellation);
        Assert.False(batch.Lost.IsEmpty);
        Assert.InRange(batch.Events.Sum(change => change.Json.Length), 1, 4_000);
        Assert.Equal("secret/data/999", batch.Events[^1].DataPath);
    }

    [Fact]
    public void One_token_cannot_take_the_places_of_others()
    {
        using var one = Subscribe(owner: "a");
        var two = Subscribe(owner: "a");
        var (none, fault) = _bus.Subscribe(Request("a"));
        Assert.Null(none);
        Assert.Equal(FaultKind.Throttled, fault!.Kind);
        Assert.Contains("this token has 2 subscriptions", fault.Messages[0], StringComparison.Ordinal);
        Assert.NotNull(fault.RetryAfter);

        foreach (var other in (string[])["b", "c", "d", "e", "f", "g"])
        {
            Subscribe(owner: other);
        }

        (_, fault) = _bus.Subscribe(Request("h"));
        Assert.Equal(FaultKind.Throttled, fault!.Kind);
        Assert.Contains("the server", fault.Messages[0], StringComparison.Ordinal);

        two.Dispose();
        two.Dispose();
        Subscribe(owner: "h").Dispose();
    }

    [Fact]
    public async Task Whoever_comes_back_goes_on_after_the_last_event_that_it_saw()
    {
        string seen;
        using (var before = Subscribe())
        {
            Publish("a");
            seen = (await before.ReadAsync(Cancellation)).Events[0].Id;
        }

        Publish("b");
        using var again = Subscribe(lastEventId: seen);
        var batch = await again.ReadAsync(Cancellation);
        Assert.True(batch.Lost.IsEmpty);
        Assert.Equal("secret/data/b", Assert.Single(batch.Events).DataPath);
    }

    [Fact]
    public async Task Whoever_comes_back_after_too_long_is_told_that_events_were_lost()
    {
        using var subscription = Subscribe(lastEventId: "no such event");
        var batch = await subscription.ReadAsync(Cancellation);
        Assert.False(batch.Lost.IsEmpty);
        Assert.Empty(batch.Events);
    }

    [Fact]
    public void Nobody_hears_once_the_last_subscriber_has_been_gone_for_long()
    {
        var source = _bus.SourceOf(Kv);
        Assert.False(source.IsHeard);
        Subscribe().Dispose();
        Assert.True(source.IsHeard);
        _time.Advance(_bus.Limits.Linger);
        Publish("a");
        Assert.False(source.IsHeard);
        Assert.Equal(_bus.Log.Tail, _bus.Log.Head);
    }

    [Fact]
    public void Publishing_allocates_nothing_when_nobody_listens()
    {
        var source = _bus.SourceOf(Kv);
        source.Publish("kv-v2/data-write", "data/a", "data/a", ("current_version", "1"));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
        {
            source.Publish("kv-v2/data-write", "data/a", "data/a", ("current_version", "1"));
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task A_quiet_subscription_gives_a_sign_of_life()
    {
        using var subscription = Subscribe();
        var reading = subscription.ReadAsync(Cancellation).AsTask();
        await AdvanceAsync(reading, _bus.Limits.Heartbeat);
        var batch = await reading;
        Assert.True(batch.Lost.IsEmpty);
        Assert.Empty(batch.Events);
        Assert.Equal(SubscriptionEnd.None, batch.End);
    }

    [Fact]
    public async Task Closing_ends_every_subscription_and_refuses_new_ones()
    {
        using var subscription = Subscribe();
        var reading = subscription.ReadAsync(Cancellation).AsTask();
        _bus.Close();
        Assert.Equal(SubscriptionEnd.Closing, (await reading).End);
        Assert.Equal(FaultKind.Sealed, _bus.Subscribe(Request("b")).Fault!.Kind);
    }

    [Fact]
    public async Task Types_and_filters_choose()
    {
        using var subscription = Subscribe(types: "kv-v2/data-*", filter: "data_path != secret/data/b");
        var source = _bus.SourceOf(Kv);
        source.Publish("kv-v2/data-write", "data/a", "data/a");
        source.Publish("kv-v2/data-write", "data/b", "data/b");
        source.Publish("kv-v2/destroy", "destroy/a", "data/a");
        source.Publish("kv-v2/data-delete", "data/c", "data/c");
        Assert.Equal(["secret/data/a", "secret/data/c"], await ReadAsync(subscription));
    }

    [Fact]
    public async Task Of_many_writers_at_once_no_event_is_lost_and_none_comes_twice()
    {
        using var bus = Bus(new EventLimits { Kept = 10_000 });
        using var subscription = Subscribe(bus);
        var writers = Enumerable
            .Range(0, 4)
            .Select(writer =>
                Task.Run(
                    () =>
                    {
                        for (var i = 0; i < 2_000; i++)
                        {
                            bus.SourceOf(Kv).Publish("kv-v2/data-write", "data/a", $"data/{writer}/{i}");
                        }
                    },
                    Cancellation
                )
            );
        var writing = Task.WhenAll(writers);
        var seen = new List<string>();
        while (seen.Count < 8_000)
        {
            var batch = await subscription.ReadAsync(Cancellation);
            Assert.True(batch.Lost.IsEmpty);
            seen.AddRange(batch.Events.Select(change => change.DataPath));
        }

        await writing;
        Assert.Equal(8_000, seen.Distinct(StringComparer.Ordinal).Count());
        foreach (var group in seen.GroupBy(path => path.Split('/')[2], StringComparer.Ordinal))
        {
            Assert.Equal(Enumerable.Range(0, 2_000).Select(i => $"secret/data/{group.Key}/{i}"), group);
        }
    }

    public void Dispose() => _bus.Dispose();

    private EventBus Bus(EventLimits limits) => new(limits, "mayfly://test", _time);

    private void Publish(string name) => _bus.SourceOf(Kv).Publish("kv-v2/data-write", $"data/{name}", $"data/{name}");

    private Subscription Subscribe(
        EventBus? bus = null,
        string owner = "owner",
        string types = "*",
        string? filter = null,
        string? lastEventId = null
    ) => (bus ?? _bus).Subscribe(Request(owner, types, filter, lastEventId)).Subscription!;

    private static SubscriptionRequest Request(
        string owner,
        string types = "*",
        string? filter = null,
        string? lastEventId = null
    ) =>
        new(
            owner,
            new TypePattern(types),
            filter is null ? null : EventFilter.Parse(filter).Filter,
            lastEventId,
            _ => new((Acl.Root, SubscriptionEnd.None))
        );

    private static async Task<IReadOnlyList<string>> ReadAsync(Subscription subscription)
    {
        var batch = await subscription.ReadAsync(Cancellation);
        Assert.True(batch.Lost.IsEmpty);
        return [.. batch.Events.Select(change => change.DataPath)];
    }

    /// <summary>Moves the clock by seconds until the task ends; it may still be on its way to its wait.</summary>
    private async Task AdvanceAsync(Task task, TimeSpan by)
    {
        _time.Advance(by);
        while (!task.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(task, Task.Delay(5, Cancellation));
        }
    }
}
