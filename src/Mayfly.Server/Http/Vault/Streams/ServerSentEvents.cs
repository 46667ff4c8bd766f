using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Mayfly.Core.Events;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Mayfly.Server.Http.Vault.Streams;

/// <summary>
/// A subscription as server-sent events (the <c>EventSource</c> of browsers): one reply without end, an event per change with
/// its id and type, comments as signs of life, and an event <c>end</c> that says why when the server ends it.
/// </summary>
internal static class ServerSentEvents
{
    public const string MediaType = "text/event-stream";

    /// <summary>TCP_USER_TIMEOUT of Linux, which the framework has no name for.</summary>
    internal const int TcpUserTimeout = 18;

    internal const int TcpLevel = 6;

    public static bool IsWanted(IHttpRequestFeature http, IReadOnlyDictionary<string, string> query) =>
        query.GetValueOrDefault("format") == "sse"
        || http.Headers.Accept.ToString().Contains(MediaType, StringComparison.OrdinalIgnoreCase);

    public static async Task ServeAsync(
        IFeatureCollection features,
        Subscription subscription,
        CancellationToken aborted
    )
    {
        // Kestrel would take the pauses of a slow client for an attack, and reset the connection; there is a limit of our own.
        if (features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        if (features.Get<IConnectionSocketFeature>() is { Socket: { } socket })
        {
            GiveUpOnTheDead(socket);
        }

        var response = features.GetRequiredFeature<IHttpResponseFeature>();
        response.StatusCode = 200;
        response.Headers.ContentType = MediaType;
        response.Headers.CacheControl = "no-store";
        // Asks a proxy in between not to collect before it passes on.
        response.Headers["X-Accel-Buffering"] = "no";
        var body = features.GetRequiredFeature<IHttpResponseBodyFeature>();
        body.DisableBuffering();
        await body.StartAsync(aborted);
        body.Writer.Write(": subscribed\n\n"u8);
        await FlushAsync(body.Writer, features, aborted);
        for (var end = SubscriptionEnd.None; end == SubscriptionEnd.None; )
        {
            var batch = await subscription.ReadAsync(aborted);
            end = batch.End;
            Write(body.Writer, batch);
            await FlushAsync(body.Writer, features, aborted);
        }
    }

    /// <summary>
    /// Has the system end the connection when what was sent is not acknowledged in time. Signs of life are small: without
    /// this, they would go into the void for a quarter of an hour after a client's machine has died.
    /// </summary>
    internal static void GiveUpOnTheDead(Socket socket)
    {
        if (OperatingSystem.IsLinux() && socket.ProtocolType == ProtocolType.Tcp)
        {
            var milliseconds = (int)EventStream.WriteLimit.TotalMilliseconds;
            socket.SetRawSocketOption(TcpLevel, TcpUserTimeout, BitConverter.GetBytes(milliseconds));
        }
    }

    private static void Write(PipeWriter writer, EventBatch batch)
    {
        if (!batch.Lost.IsEmpty)
        {
            // Without an id: a client that comes back names the last event that it had.
            writer.Write("event: mayfly/lost\ndata: "u8);
            writer.Write(batch.Lost.Span);
            writer.Write("\n\n"u8);
        }

        foreach (var change in batch.Events)
        {
            writer.Write("id: "u8);
            Encoding.ASCII.GetBytes(change.Id, writer);
            writer.Write("\nevent: "u8);
            Encoding.ASCII.GetBytes(change.Type, writer);
            writer.Write("\ndata: "u8);
            writer.Write(change.Json.Span);
            writer.Write("\n\n"u8);
        }

        if (batch.End != SubscriptionEnd.None)
        {
            writer.Write("event: end\ndata: {\"reason\":\""u8);
            Encoding.ASCII.GetBytes(EventStream.Reason(batch.End), writer);
            writer.Write("\"}\n\n"u8);
        }
        else if (batch.Events.Count == 0 && batch.Lost.IsEmpty)
        {
            writer.Write(":\n\n"u8);
        }
    }

    /// <summary>Waits until the client has taken what is written, or cuts it off.</summary>
    private static async Task FlushAsync(PipeWriter writer, IFeatureCollection features, CancellationToken aborted)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        limit.CancelAfter(EventStream.WriteLimit);
        try
        {
            var result = await writer.FlushAsync(limit.Token);
            if (result.IsCompleted)
            {
                throw new OperationCanceledException("The connection is closed.");
            }
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            features.GetRequiredFeature<IHttpRequestLifetimeFeature>().Abort();
            throw;
        }
    }
}
