using System.Net;
using System.Security.Cryptography;
using Mayfly.Agent.Listeners;

namespace Mayfly.Agent.Proxy;

/// <summary>Passes requests on to the server as they came, but for the token. Safe for concurrent use.</summary>
internal sealed class Upstream(
    HttpMessageInvoker http,
    string server,
    string? ns,
    int retries,
    bool keepAlive,
    TimeProvider time
)
{
    private static readonly UriCreationOptions AsTyped = new() { DangerousDisablePathAndQueryCanonicalization = true };
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    /// <summary>The longest that one caller is kept waiting by repetitions.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // What belongs to one connection, or is decided here.
    private static readonly HashSet<string> NotPassedOn = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Host",
        "Content-Length",
        "X-Vault-Token",
        "X-Vault-Request",
        "Expect",
    };

    /// <summary>Headers of a response that belong to the connection it came by.</summary>
    public static bool IsOfConnection(string header) =>
        NotPassedOn.Contains(header) && !header.StartsWith("X-", StringComparison.OrdinalIgnoreCase);

    /// <summary>Sends, and repeats what changes nothing while the server cannot be reached or fails.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="token">The token to send; empty for none.</param>
    /// <param name="body">The body as far as it was read.</param>
    /// <param name="isWhole">There is nothing more in the exchange's body.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="HttpRequestException">There was no answer.</exception>
    public async Task<HttpResponseMessage> SendAsync(
        Exchange exchange,
        string token,
        ReadOnlyMemory<byte> body,
        bool isWhole,
        CancellationToken cancellation
    )
    {
        var mayRepeat = isWhole && exchange.Method is "GET" or "HEAD" or "LIST";
        var began = time.GetTimestamp();
        for (var attempt = 0; ; attempt++)
        {
            var mayTryAgain = mayRepeat && attempt < retries && time.GetElapsedTime(began) < Patience;
            try
            {
                var response = await SendOnceAsync(exchange, token, body, isWhole, cancellation);
                if (!mayTryAgain || !IsPassing(response.StatusCode))
                {
                    return response;
                }

                response.Dispose();
            }
            catch (HttpRequestException) when (mayTryAgain)
            {
                // Below.
            }

            await Task.Delay(Wait(attempt), time, cancellation);
        }
    }

    // 503 is also the answer of a sealed server, which waits for people.
    private static bool IsPassing(HttpStatusCode status) =>
        status is HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout;

    private static TimeSpan Wait(int attempt)
    {
        var ceiling = FirstWait * Math.Pow(2, Math.Min(attempt, 8));
        ceiling = ceiling < LongestWait ? ceiling : LongestWait;
        return ceiling * (0.5 + RandomNumberGenerator.GetInt32(500) / 1000.0);
    }

    private async Task<HttpResponseMessage> SendOnceAsync(
        Exchange exchange,
        string token,
        ReadOnlyMemory<byte> body,
        bool isWhole,
        CancellationToken cancellation
    )
    {
        var address = new Uri(server + exchange.Target, AsTyped);
        using var request = new HttpRequestMessage(new HttpMethod(exchange.Method), address)
        {
            Version = HttpVersion.Version11,
        };
        if (!keepAlive)
        {
            request.Headers.ConnectionClose = true;
        }

        if (!body.IsEmpty || !isWhole)
        {
            request.Content = isWhole ? new ReadOnlyMemoryContent(body) : new PassedBody(body, exchange.Body);
            if (!isWhole)
            {
                request.Content.Headers.ContentLength = exchange.Headers.ContentLength;
            }
        }

        foreach (var (name, values) in exchange.Headers)
        {
            if (NotPassedOn.Contains(name) || IsBearer(name, values.ToString()))
            {
                continue;
            }

            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }

        request.Headers.TryAddWithoutValidation("X-Vault-Request", "true");
        if (token.Length > 0)
        {
            request.Headers.TryAddWithoutValidation("X-Vault-Token", token);
        }

        if (ns is { Length: > 0 } && !request.Headers.Contains("X-Vault-Namespace"))
        {
            request.Headers.TryAddWithoutValidation("X-Vault-Namespace", ns);
        }

        return await http.SendAsync(request, cancellation);
    }

    private static bool IsBearer(string name, string value) =>
        name.Equals("Authorization", StringComparison.OrdinalIgnoreCase)
        && value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase);

    /// <summary>What was read of a body, and then the rest of it.</summary>
    private sealed class PassedBody(ReadOnlyMemory<byte> beginning, Stream rest) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(
            Stream stream,
            TransportContext? context,
            CancellationToken cancellationToken
        )
        {
            await stream.WriteAsync(beginning, cancellationToken);
            await rest.CopyToAsync(stream, cancellationToken);
        }

        /// <summary>Only the caller knows; its Content-Length is passed on, too.</summary>
        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
