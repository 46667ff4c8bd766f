using Mayfly.Core.Events;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/events/subscribe/TYPE</c>: a stream of changes. The dialect writes it out, as WebSocket or otherwise.</summary>
/// <param name="bus">Where events come from.</param>
/// <param name="authentication">Who a token stands for, now.</param>
/// <param name="enter">
/// Counts a use of the keys in, like a request; false when the vault is closing. Streams outlive their requests, so each look
/// at a token is counted by itself.
/// </param>
/// <param name="exit">Counts it out.</param>
internal sealed class EventPaths(EventBus bus, Authentication authentication, Func<bool> enter, Action exit)
{
    private const int MaxEventId = 128;

    public IEnumerable<PathEntry> Entries =>
        [
            new("events/subscribe/{type*}")
            {
                Help =
                    "A stream of events about what changes: over WebSocket (with json=true), or as server-sent events "
                    + "(Accept: text/event-stream). Only events about what the token may read are in it.",
                Fields =
                [
                    new FieldSpec(
                        "type",
                        FieldType.String,
                        "Types of events, with * for any text: kv-v2/data-write, kv-v2/data-*, kv*."
                    ),
                    new FieldSpec("json", FieldType.Bool, "Events as JSON: the only form there is here."),
                    new FieldSpec("format", FieldType.String, "sse for server-sent events, without the Accept header."),
                    new FieldSpec(
                        "filter",
                        FieldType.String,
                        "Only events for which this holds, such as: data_path == secret/data/app and operation != data-patch."
                    ),
                    new FieldSpec(
                        "last_event_id",
                        FieldType.String,
                        "The id of the last event that was seen, to go on after it. Also the header Last-Event-ID."
                    ),
                    new FieldSpec("namespaces", FieldType.StringList, "There is one namespace.") { Ignored = true },
                ],
                ReadHasEffects = true,
                Read = Subscribe,
            },
        ];

    private ValueTask<Outcome> Subscribe(AuthorizedRequest request, CancellationToken cancellation)
    {
        var type = request.Fields.String("type").Trim();
        if (type.Length is 0 or > TypePattern.MaxLength)
        {
            return new(
                Fault.Invalid(
                    type.Length == 0
                        ? "did not specify eventType to subscribe to"
                        : $"an event type has at most {TypePattern.MaxLength} characters"
                )
            );
        }

        if (Problem(request) is { } problem)
        {
            return new(Fault.Invalid(problem));
        }

        EventFilter? filter = null;
        if (request.Fields.String("filter").Trim() is { Length: > 0 } expression)
        {
            (filter, var wrong) = EventFilter.Parse(expression);
            if (filter is null)
            {
                return new(Fault.Invalid($"filter: {wrong}"));
            }
        }

        var token = request.Request.Token!;
        var seen = request.Fields.String("last_event_id") is { Length: > 0 } id ? id : request.Request.LastEventId;
        var (subscription, fault) = bus.Subscribe(
            new SubscriptionRequest(
                TokenName.Of(request),
                new TypePattern(type),
                filter,
                seen is { Length: <= MaxEventId } ? seen : null,
                later => AdmitAsync(token, request.Request.Path, later)
            )
        );
        return new(subscription is null ? fault! : new Response { Subscription = subscription });
    }

    private static string? Problem(AuthorizedRequest request)
    {
        if (request.Request.WrapTtl is not null)
        {
            return "a stream cannot be wrapped";
        }

        if (request.Request.Stream == StreamKind.None)
        {
            return "this is a stream: ask for it over WebSocket (Upgrade: websocket, with ?json=true), or as server-sent "
                + "events (Accept: text/event-stream, or ?format=sse)";
        }

        // Vault sends protobuf where nobody asks for JSON: a client that counts on it must not get something else.
        return request.Fields.BoolOrNull("json") ?? request.Request.Stream == StreamKind.ServerSentEvents
            ? null
            : "this server sends events as JSON only: ask with ?json=true";
    }

    private async ValueTask<(Acl? Acl, SubscriptionEnd End)> AdmitAsync(
        string token,
        string path,
        CancellationToken cancellation
    )
    {
        if (!enter())
        {
            return (null, SubscriptionEnd.Closing);
        }

        try
        {
            var caller = await authentication.FindAsync(token, cancellation);
            return caller is null ? (null, SubscriptionEnd.TokenEnded)
                : caller.Acl.Decide(Operation.Read, path, body: null, wrapTtl: null).Allowed
                    ? (caller.Acl, SubscriptionEnd.None)
                : (null, SubscriptionEnd.Denied);
        }
        finally
        {
            exit();
        }
    }
}
