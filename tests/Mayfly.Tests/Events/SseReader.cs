using System.Net.ServerSentEvents;

namespace Mayfly.Tests.Events;

/// <summary>A subscriber over server-sent events, with a parser that we did not write.</summary>
internal sealed class SseReader : IAsyncDisposable
{
    private readonly HttpResponseMessage _reply;
    private readonly IAsyncEnumerator<SseItem<string>> _items;

    private SseReader(HttpResponseMessage reply, Stream body)
    {
        _reply = reply;
        _items = SseParser.Create(body).EnumerateAsync(Cancellation).GetAsyncEnumerator(Cancellation);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public HttpResponseMessage Reply => _reply;

    public static async Task<SseReader> OpenAsync(
        HttpClient http,
        Uri address,
        string? token = null,
        string? lastEventId = null,
        Version? version = null
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Add("Accept", "text/event-stream");
        if (token is not null)
        {
            request.Headers.Add("X-Vault-Token", token);
        }

        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        if (version is not null)
        {
            request.Version = version;
            request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        }

        var reply = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.True(reply.IsSuccessStatusCode, $"{reply.StatusCode}");
        return new SseReader(reply, await reply.Content.ReadAsStreamAsync(Cancellation));
    }

    /// <summary>The next event, or null at the end of the stream.</summary>
    public async Task<SseItem<string>?> NextAsync() => await _items.MoveNextAsync() ? _items.Current : null;

    public async ValueTask DisposeAsync()
    {
        // The connection first: a read may still wait on it.
        _reply.Dispose();
        await _items.DisposeAsync();
    }
}
