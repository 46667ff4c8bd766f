using System.Net.WebSockets;
using Mayfly.Core.Events;

namespace Mayfly.Server.Http.Vault.Streams;

/// <summary>A subscription over WebSocket: one text message for each event. What the client sends is not listened to.</summary>
internal sealed class EventSocket(Stream below) : IAsyncDisposable
{
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(2);

    private readonly WebSocket _socket = WebSocket.CreateFromStream(
        below,
        new WebSocketCreationOptions
        {
            IsServer = true,
            // Pings; one that is not answered in time ends the connection.
            KeepAliveInterval = TimeSpan.FromSeconds(15),
            KeepAliveTimeout = TimeSpan.FromSeconds(30),
        }
    );

    public async Task ServeAsync(Subscription subscription, CancellationToken aborted)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        var heard = ListenAsync(over);
        try
        {
            var end = SubscriptionEnd.None;
            while (end == SubscriptionEnd.None)
            {
                var batch = await subscription.ReadAsync(over.Token);
                if (!batch.Lost.IsEmpty)
                {
                    await SendAsync(batch.Lost, over.Token);
                }

                foreach (var change in batch.Events)
                {
                    await SendAsync(change.Json, over.Token);
                }

                end = batch.End;
            }

            await CloseAsync(
                end == SubscriptionEnd.Closing
                    ? WebSocketCloseStatus.EndpointUnavailable
                    : WebSocketCloseStatus.PolicyViolation,
                EventStream.Reason(end),
                heard
            );
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested && !aborted.IsCancellationRequested)
        {
            // Something was heard, or the client is gone, which this says.
            var (status, reason) = await heard;
            await CloseAsync(status, reason, heard);
        }
        finally
        {
            await over.CancelAsync();
            await ((Task)heard).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return below.DisposeAsync();
    }

    /// <summary>Waits until the client closes, which is also what lets pings be answered. Ends <paramref name="over"/>.</summary>
    /// <returns>With what to close.</returns>
    private async Task<(WebSocketCloseStatus Status, string Reason)> ListenAsync(CancellationTokenSource over)
    {
        try
        {
            var message = await _socket.ReceiveAsync(new byte[256].AsMemory(), over.Token);
            return message.MessageType == WebSocketMessageType.Close
                ? (WebSocketCloseStatus.NormalClosure, "")
                : (WebSocketCloseStatus.PolicyViolation, "nothing is expected from a subscriber");
        }
        finally
        {
            _ = over.CancelAsync();
        }
    }

    private async Task SendAsync(ReadOnlyMemory<byte> json, CancellationToken over)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(over);
        limit.CancelAfter(EventStream.WriteLimit);
        await _socket.SendAsync(json, WebSocketMessageType.Text, endOfMessage: true, limit.Token);
    }

    /// <summary>Says that it is over, and gives the client a moment to say so too.</summary>
    private async Task CloseAsync(WebSocketCloseStatus status, string reason, Task heard)
    {
        using var limit = new CancellationTokenSource(CloseLimit);
        await _socket.CloseOutputAsync(status, reason, limit.Token);
        await heard.WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
