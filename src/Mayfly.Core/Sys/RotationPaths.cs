using Mayfly.Core.Pipeline;
using Mayfly.Core.Rotation;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/rotation/status</c> and <c>sys/rotation/rotate</c>.</summary>
internal sealed class RotationPaths(Rotations rotations, RotationNames names)
{
    private static readonly FieldSpec Name = new(
        "name",
        FieldType.String,
        "The rotation: a name that was configured, or a mount's path and the secret's there, such as database/static-roles/app."
    );

    public IEnumerable<PathEntry> Entries =>
        [
            new PathEntry("rotation/status") { Help = "Lists the names of all rotations.", List = names.ListAsync },
            new PathEntry("rotation/status/{name*}")
            {
                Help =
                    "Tells where a rotation stands, when the secret was and will be rotated, what went wrong, and which "
                    + "consumers are behind.",
                Fields = [Name],
                Read = StatusAsync,
                List = names.ListAsync,
            },
            new PathEntry("rotation/rotate/{name*}")
            {
                Help = "Rotates a secret now. An emergency waits for no consumer, and ends the old credential at once.",
                Fields =
                [
                    Name,
                    new("reason", FieldType.String, "why; required of an emergency"),
                    new("now", FieldType.Bool, "whether this is an emergency"),
                ],
                Write = RotateAsync,
            },
        ];

    private async ValueTask<Outcome> StatusAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (names.Find(request.Fields.String("name")) is not { } id)
        {
            return Fault.NotFound();
        }

        var (record, _) = await rotations.Records.GetAsync(id, cancellation);
        return record is null ? Fault.NotFound() : await DescribeAsync(id, record, cancellation);
    }

    private async ValueTask<Outcome> RotateAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (names.Find(request.Fields.String("name")) is not { } id)
        {
            return Fault.NotFound();
        }

        var reason = request.Fields.String("reason");
        var emergency = request.Fields.Bool("now");
        if (reason.Length == 0 && emergency)
        {
            return Fault.Invalid("missing reason: an emergency is on record with why it was one");
        }

        if (reason.Length > RotationText.LongestReason)
        {
            return Fault.Invalid($"the reason is longer than {RotationText.LongestReason} characters");
        }

        var wanted = new RotationRequest(
            rotations.Time.GetUtcNow(),
            reason.Length == 0 ? "on demand" : reason,
            emergency
        );
        var (record, fault) = await rotations.RotateAsync(id, wanted, cancellation);
        return fault is not null ? fault : await DescribeAsync(id, record!, cancellation);
    }

    private async ValueTask<Response> DescribeAsync(
        RotationId id,
        RotationRecord record,
        CancellationToken cancellation
    )
    {
        var target = await rotations.FindAsync(id, record, cancellation);
        var live = target is { ReadPath.Length: > 0 } ? rotations.Consumers.Of(target.ReadPath) : [];
        return Response.Object(writer => RotationReply.Write(writer, target?.Name ?? id.Target, record, live));
    }
}
