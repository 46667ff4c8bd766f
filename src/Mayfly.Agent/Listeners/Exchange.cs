using System.Text;
using System.Text.Json;
using Mayfly.Agent.Configuration;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Mayfly.Agent.Listeners;

/// <summary>One request and its response, on Kestrel's features directly: there is no middleware between.</summary>
internal sealed class Exchange(IFeatureCollection features)
{
    private readonly IHttpRequestFeature _request = features.GetRequiredFeature<IHttpRequestFeature>();
    private readonly IHttpResponseFeature _response = features.GetRequiredFeature<IHttpResponseFeature>();
    private readonly IHttpResponseBodyFeature _body = features.GetRequiredFeature<IHttpResponseBodyFeature>();

    /// <summary>The listener that it came in by.</summary>
    public ListenerStanza Listener => features.GetRequiredFeature<ListenerStanza>();

    public string Method => _request.Method;

    /// <summary>Path and query as they came, not decoded.</summary>
    public string Target => _request.RawTarget;

    public IHeaderDictionary Headers => _request.Headers;

    public Stream Body => _request.Body;

    /// <summary>Whether there can be a body.</summary>
    public bool HasBody => features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? false;

    public IHeaderDictionary ResponseHeaders => _response.Headers;

    public bool HasStarted => _response.HasStarted;

    public int Status
    {
        set => _response.StatusCode = value;
    }

    public Stream ResponseBody => _body.Stream;

    /// <summary>Ends when the caller is gone.</summary>
    public CancellationToken Gone => features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;

    /// <summary>Breaks the connection: a response that has begun cannot be ended well.</summary>
    public void Abort() => features.GetRequiredFeature<IHttpRequestLifetimeFeature>().Abort();

    /// <summary>Lets the body be as large as it wants: it is passed on, not kept.</summary>
    public void AllowLargeBody()
    {
        if (features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = null;
        }
    }

    /// <summary>The whole response.</summary>
    public async Task AnswerAsync(int status, string? contentType, ReadOnlyMemory<byte> body)
    {
        Status = status;
        ResponseHeaders.ContentType = contentType;
        ResponseHeaders.ContentLength = body.Length;
        if (!body.IsEmpty && Method != "HEAD")
        {
            await _body.Writer.WriteAsync(body, CancellationToken.None);
        }
    }

    public Task AnswerTextAsync(int status, string text) =>
        AnswerAsync(status, "text/plain", Encoding.UTF8.GetBytes(text));

    /// <summary>A failure as Vault's clients read it: <c>{"errors":["…"]}</c>.</summary>
    public async Task FailAsync(int status, string message)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("errors"u8);
            json.WriteStringValue(message);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        await AnswerAsync(status, "application/json", buffer.ToArray());
    }

    /// <summary>The body, when it has at most <paramref name="most"/> bytes; otherwise its beginning, and there is more.</summary>
    public async Task<(byte[] Body, bool IsWhole)> ReadBodyAsync(int most)
    {
        if (!HasBody)
        {
            return ([], true);
        }

        var length = Headers.ContentLength;
        var buffer = new byte[length is { } known && known <= most ? (int)known : most + 1];
        var read = await Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, Gone);
        var isWhole = read <= most && (read < buffer.Length || length == read || await IsAtEndAsync());
        return (buffer.AsSpan(0, read).ToArray(), isWhole);
    }

    private async Task<bool> IsAtEndAsync() => await Body.ReadAsync(new byte[1], Gone) == 0;
}
