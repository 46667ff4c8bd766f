using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Mayfly.Client.Logins;
using Mayfly.Client.Telemetry;
using Mayfly.Client.Transport;

namespace Mayfly.Client;

/// <summary>Sends requests of the Vault HTTP API, version 1. Safe for concurrent use; connections are kept alive.</summary>
public sealed partial class MayflyClient : IDisposable, IAsyncDisposable
{
    private readonly MayflyClientOptions _options;
    private readonly Connections _connections;
    private readonly string _base;
    private readonly LoginSession? _session;
    private readonly bool _ownsConnections = true;
    private readonly bool _ownsSession;

    /// <summary>A client for the server that <paramref name="options"/> name. Connects at the first request.</summary>
    /// <param name="options">Address, trust and identity.</param>
    /// <exception cref="FormatException">The address is not one.</exception>
    /// <exception cref="IOException">A certificate or key file cannot be read.</exception>
    public MayflyClient(MayflyClientOptions options)
    {
        _options = options;
        var endpoint = ServerEndpoint.Parse(options.Address);
        _base = endpoint.Base;
        Server = new Uri(_base);
        _connections = options.HttpClient is { } brought
            ? new Connections(brought)
            : new Connections(HandlerFactory.Create(options, endpoint));
        if (options.Login is { } method)
        {
            _session = new LoginSession(this, method, options.LoginSession);
            _ownsSession = true;
        }
    }

    /// <summary>A client whose token is that of a session which others use too.</summary>
    /// <param name="options">Address and trust. Their token and login are not used.</param>
    /// <param name="session">The session; not disposed of with the client.</param>
    /// <exception cref="FormatException">The address is not one.</exception>
    /// <exception cref="IOException">A certificate or key file cannot be read.</exception>
    public MayflyClient(MayflyClientOptions options, LoginSession session)
        : this(options with { Token = null, Login = null }) => _session = session;

    private MayflyClient(MayflyClient other, MayflyClientOptions options, LoginSession? session)
    {
        _options = options;
        _base = other._base;
        Server = other.Server;
        _connections = other._connections;
        _ownsConnections = false;
        _session = session;
    }

    /// <summary>The address as it was given, without user and password.</summary>
    public string Address => ServerEndpoint.Shown(_options.Address);

    /// <summary>The login that the client keeps, or null when it was given a token.</summary>
    public LoginSession? Session => _session;

    internal TimeProvider Time => _options.Time;

    /// <summary>The address for telemetry: without a user's name, and with <c>localhost</c> for a socket.</summary>
    internal Uri Server { get; }

    /// <summary>
    /// The same client for another namespace, over the same connections and with the same login. It ends with this one; disposing
    /// of it does nothing.
    /// </summary>
    /// <param name="name">The namespace; empty for none.</param>
    public MayflyClient WithNamespace(string name) => new(this, _options with { Namespace = name }, _session);

    /// <summary>
    /// Sends <paramref name="request"/>. Repeats it after 429, when no connection could be made, and, when it changes nothing,
    /// after 5xx and when a connection broke. When the session's token has died, logs in anew and repeats it once.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The answer, be it success or failure.</returns>
    /// <exception cref="MayflyConnectionException">No answer came.</exception>
    /// <exception cref="LoginException">The client logs in by itself, and could not.</exception>
    public async Task<MayflyResponse> SendAsync(MayflyRequest request, CancellationToken cancellationToken = default)
    {
        var address = RequestAddress.Create(_base, request);
        using var activity = Activities.Request(Server, request);
        try
        {
            var response = await SendAsync(request, address, cancellationToken);
            activity?.Answered(response);
            return response;
        }
        catch (Exception failure)
        {
            activity?.Failed(failure);
            throw;
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

    /// <summary>Closes the connections. A login of its own is kept no longer, and not revoked: see <see cref="DisposeAsync"/>.</summary>
    public void Dispose()
    {
        if (_ownsSession)
        {
            _session!.Stop();
        }

        if (_ownsConnections)
        {
            _connections.Dispose();
        }
    }

    /// <summary>Ends a login of its own as <see cref="LoginSession.DisposeAsync"/> does, and closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_ownsSession)
        {
            await _session!.DisposeAsync();
        }

        Dispose();
    }

    /// <summary>The same server, without a token.</summary>
    internal MayflyClient WithoutIdentity() => new(this, _options with { Token = null }, session: null);

    private async Task<MayflyResponse> SendAsync(
        MayflyRequest request,
        Uri address,
        CancellationToken cancellationToken
    )
    {
        if (_session is null || request.Token is not null)
        {
            return await RepeatAsync(request, address, request.Token ?? _options.Token, cancellationToken);
        }

        var token = await _session.GetTokenAsync(cancellationToken);
        var response = await RepeatAsync(request, address, token, cancellationToken);
        if (response.Status == 403 && await _session.ReplaceRefusedAsync(token, cancellationToken) is { } other)
        {
            response = await RepeatAsync(request, address, other, cancellationToken);
            _session.TellRepeated(isRefusedAgain: response.Status == 403);
        }

        return response;
    }

    private async Task<MayflyResponse> RepeatAsync(
        MayflyRequest request,
        Uri address,
        string? token,
        CancellationToken cancellationToken
    )
    {
        for (var attempt = 0; ; attempt++)
        {
            TimeSpan? delay;
            try
            {
                var response = await AttemptAsync(request, address, token, cancellationToken);
                delay =
                    attempt < _options.MaxRetries && Retry.IsWorthwhile(request, response)
                        ? Retry.Delay(attempt, response.RetryAfter, _options.MaxRetryDelay)
                        : null;
                if (delay is null)
                {
                    return response;
                }
            }
            catch (MayflyConnectionException failure)
                when (attempt < _options.MaxRetries && Retry.IsWorthwhile(request, failure.InnerException!))
            {
                delay = Retry.Delay(attempt, retryAfter: null, _options.MaxRetryDelay);
            }

            Instruments.Repeated(Server);
            await Task.Delay(delay!.Value, _options.Time, cancellationToken);
        }
    }

    private async Task<MayflyResponse> AttemptAsync(
        MayflyRequest request,
        Uri address,
        string? token,
        CancellationToken cancellationToken
    )
    {
        var began = Time.GetTimestamp();
        using var limit = new CancellationTokenSource(_options.Timeout, _options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using (var reply = await FollowAsync(request, address, token, either.Token))
            {
                var body = await BoundedBody.ReadAsync(reply.Content, _options.MaxResponseBytes, either.Token);
                var retryAfter = Retry.Asked(reply.Headers.RetryAfter, _options.Time);
                Instruments.Answered(Server, request.Method, (int)reply.StatusCode, Time.GetElapsedTime(began));
                return new MayflyResponse((int)reply.StatusCode, request.Method.Method, address, body, retryAfter);
            }
        }
        catch (Exception failure) when (IsConnectionFailure(failure, cancellationToken))
        {
            Instruments.Unanswered(Server, request.Method, failure, Time.GetElapsedTime(began));
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
        string? token,
        CancellationToken cancellationToken
    )
    {
        var reply = await SendOnceAsync(request, address, token, cancellationToken);
        if (Redirect.Target(reply, address) is { } target)
        {
            reply.Dispose();
            reply = await SendOnceAsync(request, target, token, cancellationToken);
        }

        return reply;
    }

    private async Task<HttpResponseMessage> SendOnceAsync(
        MayflyRequest request,
        Uri address,
        string? token,
        CancellationToken cancellationToken
    )
    {
        using var message = new HttpRequestMessage(request.Method, address);
        message.Headers.TryAddWithoutValidation("X-Vault-Request", "true");
        if (token is { Length: > 0 })
        {
            message.Headers.TryAddWithoutValidation("X-Vault-Token", token);
        }

        if ((request.Namespace ?? _options.Namespace) is { Length: > 0 } ns)
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

        if (request.Consumer is { Length: > 0 } consumer)
        {
            message.Headers.TryAddWithoutValidation("X-Mayfly-Consumer", consumer);
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

        return await _connections.SendAsync(message, cancellationToken);
    }

    private string Explain(Exception failure)
    {
        var text = new StringBuilder("no answer from ").Append(Address).Append(": ");
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
