using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Mayfly.Client.Transport;

namespace Mayfly.Client;

/// <summary>Sends requests of the Vault HTTP API, version 1. Safe for concurrent use; connections are kept alive.</summary>
public sealed partial class MayflyClient : IDisposable
{
    private readonly MayflyClientOptions _options;
    private readonly HttpMessageInvoker _http;
    private readonly string _base;

    /// <summary>A client for the server that <paramref name="options"/> name. Connects at the first request.</summary>
    /// <param name="options">Address, trust and identity.</param>
    /// <exception cref="FormatException">The address is not one.</exception>
    /// <exception cref="IOException">A certificate or key file cannot be read.</exception>
    public MayflyClient(MayflyClientOptions options)
    {
        _options = options;
        var endpoint = ServerEndpoint.Parse(options.Address);
        _base = endpoint.Base;
        _http = new HttpMessageInvoker(HandlerFactory.Create(options, endpoint), disposeHandler: true);
    }

    /// <summary>The address as it was given.</summary>
    public string Address => _options.Address;

    /// <summary>Sends <paramref name="request"/>, repeating it after 429 or 5xx only when it changes nothing.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The answer, be it success or failure.</returns>
    /// <exception cref="MayflyConnectionException">No answer came.</exception>
    public async Task<MayflyResponse> SendAsync(MayflyRequest request, CancellationToken cancellationToken = default)
    {
        var address = RequestAddress.Create(_base, request);
        for (var attempt = 0; ; attempt++)
        {
            var (response, retryAfter) = await AttemptAsync(request, address, cancellationToken);
            if (attempt >= _options.MaxRetries || !Retry.IsWorthwhile(request, response))
            {
                return response;
            }

            await Task.Delay(Retry.Delay(attempt, retryAfter), _options.Time, cancellationToken);
        }
    }

    /// <summary>GET.</summary>
    /// <param name="path">The path below <c>/v1/</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<MayflyResponse> ReadAsync(string path, CancellationToken cancellationToken = default) =>
        SendAsync(new MayflyRequest(HttpMethod.Get, path), cancellationToken);

    /// <summary>The keys below a path. Asks with <c>GET ?list=true</c>, which every proxy lets through.</summary>
    /// <param name="path">The path below <c>/v1/</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<MayflyResponse> ListAsync(string path, CancellationToken cancellationToken = default) =>
        SendAsync(new MayflyRequest(HttpMethod.Get, path) { Query = [new("list", "true")] }, cancellationToken);

    /// <summary>PUT, which this API takes for POST.</summary>
    /// <param name="path">The path below <c>/v1/</c>.</param>
    /// <param name="json">The body, UTF-8 JSON.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<MayflyResponse> WriteAsync(
        string path,
        ReadOnlyMemory<byte> json,
        CancellationToken cancellationToken = default
    ) => SendAsync(new MayflyRequest(HttpMethod.Put, path) { Body = json }, cancellationToken);

    /// <summary>DELETE.</summary>
    /// <param name="path">The path below <c>/v1/</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<MayflyResponse> DeleteAsync(string path, CancellationToken cancellationToken = default) =>
        SendAsync(new MayflyRequest(HttpMethod.Delete, path), cancellationToken);

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _http.Dispose();

    private async Task<(MayflyResponse Response, TimeSpan? RetryAfter)> AttemptAsync(
        MayflyRequest request,
        Uri address,
        CancellationToken cancellationToken
    )
    {
        using var limit = new CancellationTokenSource(_options.Timeout, _options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using (var reply = await FollowAsync(request, address, either.Token))
            {
                var body = await BoundedBody.ReadAsync(reply.Content, _options.MaxResponseBytes, either.Token);
                var response = new MayflyResponse((int)reply.StatusCode, request.Method.Method, address, body);
                return (response, reply.Headers.RetryAfter?.Delta);
            }
        }
        catch (Exception failure) when (IsConnectionFailure(failure, cancellationToken))
        {
            throw new MayflyConnectionException(Explain(failure), failure);
        }
    }

    /// <summary>No answer came, for a reason other than that nobody waits for it any more.</summary>
    private static bool IsConnectionFailure(Exception failure, CancellationToken cancellationToken) =>
        failure is HttpRequestException or IOException
        || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    private async Task<HttpResponseMessage> FollowAsync(
        MayflyRequest request,
        Uri address,
        CancellationToken cancellationToken
    )
    {
        var reply = await SendOnceAsync(request, address, cancellationToken);
        if (Redirect.Target(reply, address) is { } target)
        {
            reply.Dispose();
            reply = await SendOnceAsync(request, target, cancellationToken);
        }

        return reply;
    }

    private async Task<HttpResponseMessage> SendOnceAsync(
        MayflyRequest request,
        Uri address,
        CancellationToken cancellationToken
    )
    {
        using var message = new HttpRequestMessage(request.Method, address);
        message.Headers.TryAddWithoutValidation("X-Vault-Request", "true");
        if ((request.Token ?? _options.Token) is { Length: > 0 } token)
        {
            message.Headers.TryAddWithoutValidation("X-Vault-Token", token);
        }

        if (_options.Namespace is { Length: > 0 } ns)
        {
            message.Headers.TryAddWithoutValidation("X-Vault-Namespace", ns);
        }

        if (request.WrapTtl is { Length: > 0 } wrap)
        {
            message.Headers.TryAddWithoutValidation("X-Vault-Wrap-TTL", wrap);
        }

        if (request.Accept is { } accept)
        {
            message.Headers.TryAddWithoutValidation("Accept", accept);
        }

        if (request.LastEventId is { } last)
        {
            message.Headers.TryAddWithoutValidation("Last-Event-ID", last);
        }

        // The handler takes the name for TLS from the Host header.
        message.Headers.Host = _options.TlsServerName;
        foreach (var (name, value) in _options.Headers)
        {
            message.Headers.TryAddWithoutValidation(name, value);
        }

        if (request.Body is { } body)
        {
            message.Content = new ReadOnlyMemoryContent(body)
            {
                Headers = { ContentType = new MediaTypeHeaderValue(request.ContentType) },
            };
        }

        return await _http.SendAsync(message, cancellationToken);
    }

    private string Explain(Exception failure)
    {
        var text = new StringBuilder("no answer from ").Append(_options.Address).Append(": ");
        if (failure is OperationCanceledException)
        {
            return text.Append("timed out after ").Append(_options.Timeout.TotalSeconds).Append(" s").ToString();
        }

        text.Append(failure.Message);
        if (failure.InnerException is { } inner && !failure.Message.Contains(inner.Message, StringComparison.Ordinal))
        {
            text.Append(" (").Append(inner.Message).Append(')');
        }

        return text.ToString();
    }
}
