using Mayfly.Core.Events;
using Mayfly.Core.Pipeline;
using Microsoft.AspNetCore.Http.Features;

namespace Mayfly.Server.Http.Vault.Streams;

/// <summary>Writes a subscription to the connection, until one of both sides has enough.</summary>
internal static class EventStream
{
    /// <summary>A client that takes nothing for so long is cut off: it may be dead, and its place is wanted.</summary>
    public static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(30);

    /// <summary>How the request wants a stream, if it wants one.</summary>
    public static StreamKind KindOf(IHttpRequestFeature http, IReadOnlyDictionary<string, string> query) =>
        http.Method != "GET" ? StreamKind.None
        : WebSocketHandshake.IsWanted(http) ? StreamKind.WebSocket
        : ServerSentEvents.IsWanted(http, query) ? StreamKind.ServerSentEvents
        : StreamKind.None;

    public static async Task ServeAsync(IFeatureCollection features, string id, Subscription subscription)
    {
        var http = features.GetRequiredFeature<IHttpRequestFeature>();
        var aborted = features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;
        try
        {
            if (WebSocketHandshake.IsWanted(http))
            {
                await ServeWebSocketAsync(features, http, id, subscription, aborted);
            }
            else
            {
                await ServerSentEvents.ServeAsync(features, subscription, aborted);
            }
        }
        catch (Exception e) when (IsGone(e))
        {
            // The client has left, or was cut off because it took nothing.
        }
    }

    /// <summary>What the end of a subscription is called.</summary>
    public static string Reason(SubscriptionEnd end) =>
        end switch
        {
            SubscriptionEnd.TokenEnded => "the token has ended",
            SubscriptionEnd.Denied => Fault.PermissionDenied,
            SubscriptionEnd.FilterTooSlow => "the filter takes too long; make its patterns simpler",
            _ => "the server is stopping or being sealed",
        };

    private static async Task ServeWebSocketAsync(
        IFeatureCollection features,
        IHttpRequestFeature http,
        string id,
        Subscription subscription,
        CancellationToken aborted
    )
    {
        if (WebSocketHandshake.Problem(features, http) is { } problem)
        {
            if (problem.Status == 426)
            {
                var headers = features.GetRequiredFeature<IHttpResponseFeature>().Headers;
                headers.Upgrade = "websocket";
                headers.SecWebSocketVersion = "13";
            }

            await Reply.WriteAsync(features, id, Fault.Invalid(problem.Text), problem.Status);
            return;
        }

        await using var below = await WebSocketHandshake.AcceptAsync(features, http);
        await using var socket = new EventSocket(below);
        await socket.ServeAsync(subscription, aborted);
    }

    private static bool IsGone(Exception e) =>
        e is OperationCanceledException or IOException or System.Net.WebSockets.WebSocketException;
}
