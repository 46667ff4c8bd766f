using Mayfly.Core.Consumers;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Rotation;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/consumers</c>: who reads a secret, and the acknowledgement of the version that a consumer uses.</summary>
internal sealed class ConsumerPaths(Rotations rotations)
{
    private static readonly FieldSpec Path = new(
        "path",
        FieldType.String,
        "The path that the consumer reads, such as database/static-creds/app."
    )
    {
        Required = true,
    };

    public IEnumerable<PathEntry> Entries =>
        [
            new PathEntry("consumers")
            {
                Help = "Tells which consumers of a path (those that say who they are) are alive.",
                Fields = [Path],
                Read = ReadAsync,
            },
            new PathEntry("consumers/ack")
            {
                Help =
                    "Tells that a consumer uses a version of a secret now (with one credential: that it has let go of "
                    + "the old one). A token may do so for what it may read.",
                Fields =
                [
                    Path,
                    new(
                        "version",
                        FieldType.String,
                        "The version: a number, or the one in the rotation's status; when not given, the one that was read last."
                    ),
                    new(
                        "consumer",
                        FieldType.String,
                        "The consumer's name, app/instance; the header X-Mayfly-Consumer when not given."
                    ),
                ],
                Write = AcknowledgeAsync,
            },
        ];

    private ValueTask<Outcome> ReadAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var path = request.Fields.String("path").Trim('/');
        if (!MayRead(request, path))
        {
            return new(Fault.Denied());
        }

        var consumers = rotations.Consumers.Of(path);
        return new(
            Response.Object(writer =>
            {
                writer.WriteStartArray("consumers");
                foreach (var consumer in consumers.OrderBy(consumer => consumer.Name, StringComparer.Ordinal))
                {
                    writer.WriteStartObject();
                    writer.WriteString("name", consumer.Name);
                    writer.WriteString("last_seen", GoTime.Format(consumer.Seen));
                    writer.WriteString("acknowledged", consumer.Acknowledged);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
            })
        );
    }

    private ValueTask<Outcome> AcknowledgeAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var path = request.Fields.String("path").Trim('/');
        var consumer = request.Fields.StringOrNull("consumer") ?? request.Request.Consumer ?? "";
        if (ConsumerName.Problem(consumer) is { } problem)
        {
            return new(problem);
        }

        // The name may have come in the header, which the check of the request's parameters has not seen.
        if (!MayRead(request, path) || !ConsumerRight.Has(request.Caller.Acl, path, consumer))
        {
            return new(Fault.Denied());
        }

        return new(
            rotations.Consumers.Acknowledge(path, consumer, TokenName.Of(request), request.Fields.String("version"))
                is { } fault
                ? fault
                : Outcome.Done
        );
    }

    private static bool MayRead(AuthorizedRequest request, string path) =>
        request.Caller.Acl.Decide(Operation.Read, path, body: null, wrapTtl: null).Allowed;
}
