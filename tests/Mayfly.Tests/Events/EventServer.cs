using Mayfly.Core.Engines;
using Mayfly.Core.Events;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;
using Mayfly.Server.Http;
using Mayfly.Tests.Http;

namespace Mayfly.Tests.Events;

/// <summary>A bus behind a real Kestrel: every request gets a subscription to everything, as root.</summary>
internal sealed class EventServer : IAsyncDisposable
{
    private readonly Mount _mount = new()
    {
        Uuid = "1",
        Kind = EngineKind.Secrets,
        Path = "secret/",
        Type = "kv",
        Accessor = "kv_0a1b2c3d",
    };

    private readonly EventLimits _limits;

    private EventServer(EventLimits limits)
    {
        _limits = limits;
        Bus = NewBus();
    }

    public EventBus Bus { get; private set; }

    public DialectServer Http { get; private set; } = null!;

    /// <summary>The ids that those who came back have named.</summary>
    public List<string?> LastEventIds { get; } = [];

    public static async Task<EventServer> StartAsync(EventLimits? limits = null, Listener? listener = null)
    {
        var server = new EventServer(limits ?? new EventLimits());
        server.Http = await DialectServer.StartAsync((request, _) => new(server.Answer(request)), listener: listener);
        return server;
    }

    public void Publish(string name) =>
        Bus.SourceOf(_mount).Publish("kv-v2/data-write", $"data/{name}", $"data/{name}");

    /// <summary>Ends what there is, and takes new subscribers.</summary>
    public void Restart()
    {
        var old = Bus;
        Bus = NewBus();
        old.Dispose();
    }

    /// <summary>Waits until there are so many subscribers.</summary>
    public async Task CountAsync(int subscriptions)
    {
        while (Bus.Subscriptions != subscriptions)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Bus.Dispose();
        await Http.DisposeAsync();
    }

    private EventBus NewBus() => new(_limits, "mayfly://test", TimeProvider.System);

    private Outcome Answer(Request request)
    {
        LastEventIds.Add(request.LastEventId);
        var (subscription, fault) = Bus.Subscribe(
            new SubscriptionRequest(
                "owner",
                new TypePattern("*"),
                Filter: null,
                request.LastEventId,
                _ => new((Acl.Root, SubscriptionEnd.None))
            )
        );
        return subscription is null ? fault! : new Response { Subscription = subscription };
    }
}
