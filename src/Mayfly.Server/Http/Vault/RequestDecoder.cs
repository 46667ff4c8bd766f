using System.Net;
using Mayfly.Core.Consumers;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;
using Mayfly.Hcl;
using Mayfly.Server.Http.Vault.Streams;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Mayfly.Server.Http.Vault;

/// <summary>Turns an HTTP request into a <see cref="Request"/>, or says why it cannot be one. Checks form, nothing else.</summary>
internal static class RequestDecoder
{
    private const string ConsumerHeader = "X-Mayfly-Consumer";
    private const int MaxToken = 16 * 1024;

    public static async ValueTask<(Request? Request, Fault? Fault)> DecodeAsync(
        Exchange exchange,
        IHttpRequestFeature http,
        RequestTarget target,
        string id
    )
    {
        if (OperationOf(http.Method, target.Query, out var takesBody) is not { } operation)
        {
            return (null, Fault.Unsupported($"unsupported method; use GET, LIST, POST, PUT, PATCH or DELETE"));
        }

        var (token, wrap, headerFault) = ReadHeaders(http.Headers, exchange.Listener);
        if (headerFault is not null)
        {
            return (null, headerFault);
        }

        string? consumer = http.Headers[ConsumerHeader];
        if (consumer is not null && ConsumerName.Problem(consumer) is { } unnamed)
        {
            return (null, unnamed);
        }

        var connection = exchange.Features.Get<IHttpConnectionFeature>();
        var remote = connection?.RemoteIpAddress ?? IPAddress.Loopback;
        if (exchange.Listener?.Forwarded is { } forwarded)
        {
            var (address, refused) = forwarded.Resolve(remote, http.Headers["X-Forwarded-For"]);
            if (address is null)
            {
                return (null, refused);
            }

            remote = address;
        }

        var body = SecretBytes.Empty;
        if (takesBody)
        {
            var reader = exchange.Features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;
            var (read, fault) = await RequestBody.ReadAsync(reader, http.Headers.ContentLength, exchange.Cancellation);
            if (read is null)
            {
                return (null, fault);
            }

            body = read;
        }

        var stream = EventStream.KindOf(http, target.Query);
        return (
            new Request
            {
                Id = id,
                Operation = operation,
                Path = operation == Operation.List ? target.ListPath : target.Path,
                Token = token,
                Body = body,
                Query = target.Query,
                RemoteAddress = remote,
                RemotePort = connection?.RemotePort ?? 0,
                WrapTtl = wrap,
                Consumer = consumer,
                ContentType = takesBody ? (string?)http.Headers.ContentType : null,
                Headers = new RequestHeaders(http.Headers),
                Stream = stream,
                LastEventId = stream == StreamKind.None ? null : (string?)http.Headers["Last-Event-ID"],
            },
            null
        );
    }

    /// <summary>What a method means; null when it means nothing here.</summary>
    internal static Operation? OperationOf(string method, IReadOnlyDictionary<string, string> query, out bool takesBody)
    {
        takesBody = false;
        switch (method)
        {
            case "GET":
                return query.Count == 0 ? Operation.Read
                    : IsTrue(query, "help") ? Operation.Help
                    : IsTrue(query, "list") ? Operation.List
                    : Operation.Read;
            case "LIST":
                return Operation.List;
            case "POST" or "PUT":
                takesBody = true;
                return Operation.Update;
            case "PATCH":
                takesBody = true;
                return Operation.Patch;
            case "DELETE":
                return Operation.Delete;
            default:
                return null;
        }
    }

    private static bool IsTrue(IReadOnlyDictionary<string, string> query, string name) =>
        query.TryGetValue(name, out var value) && value is "true" or "1" or "t" or "T" or "TRUE" or "True";

    private static (string? Token, TimeSpan? Wrap, Fault? Fault) ReadHeaders(
        IHeaderDictionary headers,
        Listener? listener
    )
    {
        if (listener is { RequireRequestHeader: true } && headers["X-Vault-Request"] != "true")
        {
            return (null, null, Fault.Invalid("missing header X-Vault-Request: true"));
        }

        var shown = headers["X-Vault-Token"];
        if (shown.Count > 1)
        {
            return (null, null, Fault.Invalid("more than one X-Vault-Token"));
        }

        var token = shown.Count == 1 ? shown[0] : Bearer(headers.Authorization);
        if (token is { Length: > MaxToken })
        {
            return (null, null, Fault.Invalid("the token is too long to be one"));
        }

        var wrapText = headers["X-Vault-Wrap-TTL"];
        if (wrapText.Count == 0)
        {
            return (NullIfEmpty(token), null, null);
        }

        if (!Durations.TryParse(wrapText.ToString(), out var wrap))
        {
            return (null, null, Fault.Invalid("X-Vault-Wrap-TTL is not a duration such as 60, 5m or 1h"));
        }

        return (NullIfEmpty(token), wrap > TimeSpan.Zero ? wrap : null, null);
    }

    private static string? Bearer(StringValues authorization)
    {
        const string Scheme = "Bearer ";
        return authorization.Count == 1 && authorization[0]!.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            ? authorization[0]![Scheme.Length..].Trim()
            : null;
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
