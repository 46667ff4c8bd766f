using System.Globalization;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Mayfly.Server.Http.Vault;

/// <summary>Writes replies to the connection: status, headers, body; and disposes the response that it wrote.</summary>
internal static class Reply
{
    private const string JsonType = "application/json";

    /// <summary>The outcome as HTTP.</summary>
    /// <param name="features">The connection's.</param>
    /// <param name="id">The request's id.</param>
    /// <param name="outcome">What came of it.</param>
    /// <param name="status">Instead of the one that the table of faults has.</param>
    public static async ValueTask WriteAsync(
        IFeatureCollection features,
        string id,
        Outcome outcome,
        int? status = null
    )
    {
        if (outcome.Fault is { } fault)
        {
            await WriteFaultAsync(features, id, fault, status ?? FaultStatus.Of(fault.Kind));
            return;
        }

        if (outcome.Response!.Settle is { } settle)
        {
            await WriteAndSettleAsync(features, id, outcome.Response, settle);
            return;
        }

        await WriteResponseAsync(features, id, outcome.Response);
    }

    /// <summary>Tells who waits for it whether the reply has left: handed to the connection, while that was still there.</summary>
    private static async ValueTask WriteAndSettleAsync(
        IFeatureCollection features,
        string id,
        Response response,
        Func<bool, ValueTask> settle
    )
    {
        var delivered = false;
        try
        {
            await WriteResponseAsync(features, id, response);
            delivered = !features
                .GetRequiredFeature<IHttpRequestLifetimeFeature>()
                .RequestAborted.IsCancellationRequested;
        }
        finally
        {
            await settle(delivered);
        }
    }

    private static async ValueTask WriteResponseAsync(IFeatureCollection features, string id, Response answer)
    {
        using var response = answer;
        if (response.IsEmpty)
        {
            StartHead(features, response.IsAccepted ? 202 : 204);
            return;
        }

        if (Envelope.IsPlain(response))
        {
            var length = Envelope.PlainLength(id, response);
            var body = StartHead(features, 200, JsonType, length);
            await body.StartAsync();
            Envelope.WritePlain(body.Writer.GetSpan(length), id, response);
            body.Writer.Advance(length);
            return;
        }

        if (response.ContentType is { } contentType)
        {
            await WriteBytesAsync(features, 200, contentType, response.Data);
            return;
        }

        using var buffer = new SecretBufferWriter();
        Envelope.Write(buffer, id, response, fault: null);
        await WriteBufferAsync(features, 200, buffer);
    }

    /// <summary>A body that is already bytes.</summary>
    public static async ValueTask WriteBytesAsync(
        IFeatureCollection features,
        int status,
        string contentType,
        ReadOnlyMemory<byte> bytes
    )
    {
        if (status is 204 or 205 or 304)
        {
            // A load balancer may ask for one of these, and HTTP forbids them a body.
            StartHead(features, status);
            return;
        }

        var body = StartHead(features, status, contentType, bytes.Length);
        await body.StartAsync();
        await body.Writer.WriteAsync(bytes);
    }

    /// <summary>A status and headers, with the length that a body would have: the answer to HEAD.</summary>
    public static void WriteHead(IFeatureCollection features, int status) => StartHead(features, status, JsonType);

    /// <summary>Adds the headers that tell how much of its allowance the client has left. Before anything is written.</summary>
    public static void ShowRate(IFeatureCollection features, RateStatus status)
    {
        var headers = features.GetRequiredFeature<IHttpResponseFeature>().Headers;
        headers["X-Ratelimit-Limit"] = status.Limit.ToString(CultureInfo.InvariantCulture);
        headers["X-Ratelimit-Remaining"] = status.Remaining.ToString(CultureInfo.InvariantCulture);
        headers["X-Ratelimit-Reset"] = Seconds(status.Reset);
    }

    private static async ValueTask WriteFaultAsync(IFeatureCollection features, string id, Fault fault, int status)
    {
        using var buffer = new SecretBufferWriter();
        if (fault.Body is { } response)
        {
            using (response)
            {
                Envelope.Write(buffer, id, response, fault);
            }
        }
        else
        {
            Envelope.WriteErrors(buffer, fault);
        }

        if (fault.RetryAfter is { } delay)
        {
            var seconds = Seconds(delay > TimeSpan.FromSeconds(1) ? delay : TimeSpan.FromSeconds(1));
            features.GetRequiredFeature<IHttpResponseFeature>().Headers.RetryAfter = seconds;
        }

        await WriteBufferAsync(features, status, buffer);
    }

    private static string Seconds(TimeSpan time) =>
        ((long)Math.Ceiling(time.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

    private static async ValueTask WriteBufferAsync(IFeatureCollection features, int status, SecretBufferWriter buffer)
    {
        using var bytes = buffer.Detach();
        await WriteBytesAsync(features, status, JsonType, bytes.Memory);
    }

    private static IHttpResponseBodyFeature StartHead(
        IFeatureCollection features,
        int status,
        string? contentType = null,
        long? length = null
    )
    {
        var response = features.GetRequiredFeature<IHttpResponseFeature>();
        response.StatusCode = status;
        var headers = response.Headers;
        headers.CacheControl = "no-store";
        if (contentType is not null)
        {
            headers.ContentType = contentType;
        }

        if (length is not null)
        {
            headers.ContentLength = length;
        }

        return features.GetRequiredFeature<IHttpResponseBodyFeature>();
    }
}
