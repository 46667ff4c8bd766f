using System.Net;
using Mayfly.Agent.Configuration;
using Mayfly.Agent.Identity;
using Mayfly.Agent.Listeners;
using Mayfly.Agent.Telemetry;
using Mayfly.Client.Logins;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace Mayfly.Agent.Proxy;

/// <summary>
/// Mayfly's API on a local listener: puts the agent's token into requests, and answers from the cache what it may. Safe for
/// concurrent use.
/// </summary>
internal sealed class ApiProxy(
    Upstream upstream,
    AgentIdentity? identity,
    TokenUse use,
    ProxyCache? cache,
    AgentMetrics metrics,
    ILogger log
)
{
    // Logins and requests for credentials are small; what is larger is passed on without being read.
    private const int LargestKeyBody = 64 * 1024;

    public async Task HandleAsync(Exchange exchange)
    {
        string token;
        bool isAgents;
        try
        {
            (token, isAgents) = await TokenAsync(exchange);
        }
        catch (LoginException e)
        {
            metrics.ProxyError.Add();
            await exchange.FailAsync(503, e.Message);
            return;
        }

        if (cache is not null && cache.TryFind(exchange, token, out var fast))
        {
            await AnswerAsync(exchange, fast);
            return;
        }

        exchange.AllowLargeBody();
        var (body, isWhole) = await exchange.ReadBodyAsync(LargestKeyBody);
        var key = cache is not null && isWhole ? CacheKey.Of(exchange, token, body) : null;
        try
        {
            if (key is not null)
            {
                await HandleKeptAsync(exchange, key, token, isAgents, body);
            }
            else
            {
                await PassOnAsync(exchange, token, isAgents, body, isWhole, null);
            }
        }
        catch (HttpRequestException e)
        {
            metrics.ProxyError.Add();
            log.LogWarning(
                "{Method} {Path} could not be passed on: {Reason}",
                exchange.Method,
                RequestPath.Of(exchange.Target),
                e.Message
            );
            if (key is not null && cache!.FindStale(key) is { } stale)
            {
                await AnswerAsync(exchange, stale, "STALE");
            }
            else
            {
                await exchange.FailAsync(502, "the server cannot be reached");
            }
        }
    }

    private async ValueTask<(string Token, bool IsAgents)> TokenAsync(Exchange exchange)
    {
        var own = use == TokenUse.Force ? "" : OwnToken(exchange);
        return own.Length > 0 || use == TokenUse.Own || identity is null
            ? (own, false)
            : (await identity.TokenAsync(exchange.Gone), true);
    }

    /// <summary>The token that the request brings, or "".</summary>
    private static string OwnToken(Exchange exchange)
    {
        if (exchange.Headers["X-Vault-Token"] is [{ Length: > 0 } token])
        {
            return token;
        }

        return
            exchange.Headers.Authorization is [{ } authorization]
            && authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
            ? authorization[7..].Trim()
            : "";
    }

    /// <summary>One request of a kind is under way at a time; those that come meanwhile wait for what it brings.</summary>
    private async Task HandleKeptAsync(Exchange exchange, CacheKey key, string token, bool isAgents, byte[] body)
    {
        if (cache!.Find(key) is { } kept)
        {
            await AnswerAsync(exchange, kept);
            return;
        }

        var (turn, isFirst) = cache.Begin(key);
        if (!isFirst)
        {
            // Whatever came of it: what was not kept is asked for by each.
            await turn.Task.WaitAsync(exchange.Gone);
            if (cache.Find(key) is { } answer)
            {
                await AnswerAsync(exchange, answer);
                return;
            }

            await PassOnAsync(exchange, token, isAgents, body, isWhole: true, key);
            return;
        }

        try
        {
            await PassOnAsync(exchange, token, isAgents, body, isWhole: true, key);
        }
        finally
        {
            cache.End(key, turn);
        }
    }

    private async Task AnswerAsync(Exchange exchange, CachedResponse kept, string how = "HIT")
    {
        metrics.CacheHit.Add();
        foreach (var (name, values) in kept.Headers)
        {
            exchange.ResponseHeaders[name] = values;
        }

        exchange.ResponseHeaders["X-Cache"] = how;
        exchange.ResponseHeaders.Age = cache!.Age(kept);
        await exchange.AnswerAsync(200, "application/json", kept.Body);
    }

    private async Task PassOnAsync(
        Exchange exchange,
        string token,
        bool isAgents,
        byte[] body,
        bool isWhole,
        CacheKey? key
    )
    {
        var mark = key is null ? null : cache!.Mark();
        var asked = cache?.Now ?? 0;
        var response = await upstream.SendAsync(exchange, token, body, isWhole, exchange.Gone);
        if (
            isAgents
            && response.StatusCode == HttpStatusCode.Forbidden
            && await identity!.ReplaceRefusedAsync(token, exchange.Gone) is { } other
            && isWhole
        )
        {
            // The request has done nothing, so that it may be sent again.
            response.Dispose();
            token = other;
            key = key is null ? null : key with { Token = other };
            response = await upstream.SendAsync(exchange, token, body, isWhole, exchange.Gone);
        }

        using var answered = response;
        var status = (int)response.StatusCode;
        (status < 400 ? metrics.ProxySuccess : metrics.ProxyClientError).Add();
        var headers = Headers(response);
        exchange.Status = status;
        foreach (var (name, values) in headers)
        {
            exchange.ResponseHeaders[name] = values;
        }

        if (cache is not null && status is >= 200 and < 300)
        {
            cache.Apply(exchange.Method, RequestPath.Of(exchange.Target), token, body);
        }

        if (key is not null)
        {
            metrics.CacheMiss.Add();
            exchange.ResponseHeaders["X-Cache"] = "MISS";
            if (status == 200 && ProxyCache.MayRead(response.Content.Headers))
            {
                var content = await ReadAsync(response, exchange.Gone);
                await cache!.KeepAsync(key, headers, content, mark, asked, exchange.Gone);
                await exchange.AnswerAsync(200, "application/json", content);
                return;
            }
        }

        exchange.ResponseHeaders.ContentType = response.Content.Headers.ContentType?.ToString();
        if (response.Content.Headers.ContentLength is { } length)
        {
            exchange.ResponseHeaders.ContentLength = length;
        }

        await CopyAsync(response, exchange);
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var content = new byte[(int)response.Content.Headers.ContentLength!.Value];
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        try
        {
            await stream.ReadExactlyAsync(content, cancellation);
        }
        catch (IOException e)
        {
            throw new HttpRequestException("the answer broke off", e);
        }

        return content;
    }

    /// <summary>Passes a body on as it comes: a stream of events has no end.</summary>
    private static async Task CopyAsync(HttpResponseMessage response, Exchange exchange)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(exchange.Gone);
        var chunk = new byte[16 * 1024];
        try
        {
            int read;
            while ((read = await stream.ReadAsync(chunk, exchange.Gone)) > 0)
            {
                await exchange.ResponseBody.WriteAsync(chunk.AsMemory(0, read), exchange.Gone);
                await exchange.ResponseBody.FlushAsync(exchange.Gone);
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException && exchange.HasStarted)
        {
            exchange.Abort();
        }
    }

    private static KeyValuePair<string, StringValues>[] Headers(HttpResponseMessage response) =>
        [
            .. response
                .Headers.Where(header => !Upstream.IsOfConnection(header.Key))
                .Select(header => new KeyValuePair<string, StringValues>(header.Key, header.Value.ToArray())),
        ];
}
