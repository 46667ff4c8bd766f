using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Server.Http.Vault.Streams;
using Mayfly.Server.Telemetry;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Mayfly.Server.Http.Vault;

/// <summary>Answers a decoded request; <see cref="Core.Vault.HandleAsync"/> outside tests.</summary>
internal delegate ValueTask<Outcome> RequestHandler(Request request, CancellationToken cancellation);

/// <summary>
/// The Vault HTTP API, version 1, directly on Kestrel: decode, hand over, encode. It decides nothing else. Unexpected
/// exceptions become a 500 with the request's id, and nothing of the inside.
/// </summary>
internal sealed class VaultApplication(
    RequestHandler handle,
    IReadOnlyList<ISpecialPath> specials,
    RequestCounts counts,
    ILogger<VaultApplication> log
) : IHttpApplication<Exchange>
{
    /// <summary>No request takes longer, from its first byte to its answer.</summary>
    public static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(90);

    public Exchange CreateContext(IFeatureCollection contextFeatures)
    {
        counts.Begin();
        if (contextFeatures is not IHostContextContainer<Exchange> container)
        {
            return Create(contextFeatures);
        }

        var exchange = container.HostContext ??= Create(contextFeatures);
        exchange.Features = contextFeatures;
        return exchange;
    }

    public void DisposeContext(Exchange context, Exception? exception)
    {
        counts.End(context.Features.GetRequiredFeature<IHttpResponseFeature>().StatusCode);
        context.Reset();
    }

    public async Task ProcessRequestAsync(Exchange context)
    {
        var http = context.Features.GetRequiredFeature<IHttpRequestFeature>();
        var id = Guid.NewGuid().ToString();
        try
        {
            var target = context.Recall(http.RawTarget);
            if (target is null)
            {
                (target, var fault) = RequestTarget.Parse(http.RawTarget);
                if (target is null)
                {
                    await Reply.WriteAsync(context.Features, id, fault!);
                    return;
                }

                context.Remember(http.RawTarget, target);
            }

            foreach (var special in specials)
            {
                if (special.Path == target.Path && await special.TryAnswerAsync(context, http.Method, target))
                {
                    return;
                }
            }

            await AnswerAsync(context, http, target, id);
        }
        catch (BadHttpRequestException e)
        {
            var kind = e.StatusCode == 413 ? FaultKind.TooLarge : FaultKind.Invalid;
            var text =
                e.StatusCode == 413 ? $"the body is larger than {RequestBody.MaxBytes} bytes"
                : e.StatusCode == 408 ? "the body arrived too slowly"
                : "the request is not valid HTTP";
            await TryReplyAsync(context, id, new Fault(kind, [text]), e.StatusCode);
        }
        catch (OperationCanceledException) when (context.Cancellation.IsCancellationRequested)
        {
            var text = $"the request took longer than {RequestLimit.TotalSeconds} s and was given up";
            await TryReplyAsync(context, id, Fault.Unavailable(text));
        }
        catch (ConnectionResetException)
        {
            // The client has gone; there is nobody to answer.
        }
        catch (StoreCorruptException e)
        {
            // Its message names files, pages and stored keys, never what is in them.
            log.LogError("Request {RequestId} touched damaged data: {Damage}", id, e.Message);
            await TryReplyAsync(
                context,
                id,
                Fault.Unavailable($"stored data is damaged: {e.Message} (request {id})"),
                500
            );
        }
        catch (Exception e)
        {
            // Types and places only: a message could quote what the request held.
            log.LogError("Request {RequestId} failed: {Failure}", id, FailureText.Of(e));
            await TryReplyAsync(
                context,
                id,
                Fault.Unavailable($"internal error; the server's log has it as request {id}"),
                500
            );
        }
    }

    private static Exchange Create(IFeatureCollection features) =>
        new() { Features = features, Listener = features.Get<Listener>() };

    private async ValueTask AnswerAsync(Exchange context, IHttpRequestFeature http, RequestTarget target, string id)
    {
        if (http.Headers.ContentLength is not (null or 0) || http.Headers.TransferEncoding.Count > 0)
        {
            context.StartLimit(RequestLimit);
        }

        var (request, fault) = await RequestDecoder.DecodeAsync(context, http, target, id);
        if (request is null)
        {
            await Reply.WriteAsync(context.Features, id, fault!);
            return;
        }

        using (request)
        {
            var answer = handle(request, context.Cancellation);
            if (!answer.IsCompleted)
            {
                context.StartLimit(RequestLimit);
            }

            var outcome = await answer;
            if (request.RateStatus is { } status)
            {
                Reply.ShowRate(context.Features, status);
            }

            if (outcome.Response is { Subscription: { } subscription } response)
            {
                using (response)
                {
                    context.StopLimit();
                    await EventStream.ServeAsync(context.Features, id, subscription);
                    return;
                }
            }

            await Reply.WriteAsync(context.Features, id, outcome);
        }
    }

    private static async ValueTask TryReplyAsync(Exchange context, string id, Fault fault, int? status = null)
    {
        if (context.Features.GetRequiredFeature<IHttpResponseFeature>().HasStarted)
        {
            return;
        }

        await Reply.WriteAsync(context.Features, id, fault, status);
    }
}
