using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Rotation.Webhook;

namespace Mayfly.Core.Sys;

/// <summary>
/// <c>sys/rotation/hook</c>: what a rotation function calls while it is at work. The operations and names are those of AWS
/// Secrets Manager. The event's <c>RotationToken</c> is shown as the token; it is good for this rotation and this call alone.
/// </summary>
internal sealed class RotationHookPaths(HookRecords hooks, TimeProvider time)
{
    private const int LongestValue = 64 * 1024;

    private static readonly FieldSpec Name = new("name", FieldType.String, "The event's SecretId.");
    private static readonly FieldSpec SecretId = new("SecretId", FieldType.String, "The same, when it is sent.");
    private static readonly FieldSpec VersionId = new("VersionId", FieldType.String, "Which version.");
    private static readonly FieldSpec VersionStage = new(
        "VersionStage",
        FieldType.String,
        "AWSCURRENT, AWSPENDING or AWSPREVIOUS."
    );

    public IEnumerable<PathEntry> Entries =>
        [
            Entry("describe", "Tells which versions there are, and their labels (DescribeSecret).", [], DescribeAsync),
            Entry(
                "get",
                "Reads a version: AWSCURRENT unless said otherwise (GetSecretValue).",
                [VersionId, VersionStage],
                GetAsync
            ),
            Entry(
                "put",
                "Gives the version labelled AWSPENDING its value (PutSecretValue).",
                [
                    new("ClientRequestToken", FieldType.String, "The event's.") { Required = true },
                    new("SecretString", FieldType.String, "The secret: a JSON object as text.") { Required = true },
                    new("VersionStages", FieldType.StringList, "AWSPENDING."),
                ],
                PutAsync
            ),
            Entry(
                "stage",
                "Moves a label (UpdateSecretVersionStage): AWSCURRENT to the new version in finishSecret, and AWSPENDING off it.",
                [
                    new("VersionStage", FieldType.String, "The label.") { Required = true },
                    new("MoveToVersionId", FieldType.String, "The version that gets it."),
                    new("RemoveFromVersionId", FieldType.String, "The version that has it."),
                ],
                StageAsync
            ),
        ];

    private PathEntry Entry(string action, string help, FieldSpec[] fields, Handler handler) =>
        new($"rotation/hook/{{name}}/{action}")
        {
            Help = help + " For rotation functions, with the token of the event.",
            Access = Access.Anyone,
            Fields = [Name, SecretId, .. fields],
            Write = handler,
        };

    private async ValueTask<Outcome> DescribeAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (staged, name) = await EnterAsync(request, cancellation);
        return staged is null
            ? Fault.Denied()
            : Response.Object(writer =>
            {
                writer.WriteString("ARN", name);
                writer.WriteString("Name", name);
                writer.WriteBoolean("RotationEnabled", true);
                writer.WriteStartObject("VersionIdsToStages");
                foreach (var version in staged.Versions)
                {
                    writer.WritePropertyName(version.Id);
                    WriteLabels(writer, version);
                }

                writer.WriteEndObject();
            });
    }

    private async ValueTask<Outcome> GetAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (staged, name) = await EnterAsync(request, cancellation);
        if (staged is null)
        {
            return Fault.Denied();
        }

        var id = request.Fields.String("VersionId");
        var label = request.Fields.String("VersionStage");
        var version = id.Length > 0 ? staged.Of(id) : staged.Labelled(label.Length > 0 ? label : StagedSecret.Current);
        if (
            version?.Value is not { } value
            || (label.Length > 0 && !version.Labels.Contains(label, StringComparer.Ordinal))
        )
        {
            return Fault.NotFound("Secrets Manager can't find the specified secret value for that version and stage");
        }

        return Response.Object(writer =>
        {
            writer.WriteString("ARN", name);
            writer.WriteString("Name", name);
            writer.WriteString("VersionId", version.Id);
            writer.WriteString("SecretString", value);
            writer.WritePropertyName("VersionStages");
            WriteLabels(writer, version);
        });
    }

    private async ValueTask<Outcome> PutAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var fields = request.Fields;
        var id = fields.String("ClientRequestToken");
        var value = fields.String("SecretString");
        if (ValueProblem(value) is { } problem)
        {
            return problem;
        }

        if (fields.StringListOrNull("VersionStages") is { } stages && stages is not [StagedSecret.Pending])
        {
            return Fault.Invalid("VersionStages must be [\"AWSPENDING\"]: the rotation itself promotes the version");
        }

        return await ChangeAsync(
            request,
            staged =>
                staged.Labelled(StagedSecret.Pending) is not { } pending || pending.Id != id
                    ? (null, Fault.Invalid("ClientRequestToken is not the version that is labelled AWSPENDING"))
                : pending.Value == value ? (staged, null)
                : pending.Value is not null
                    ? (null, Fault.Conflict("the version has another value already; a version's value does not change"))
                : (staged.With(id, value), null),
            writer =>
            {
                writer.WriteString("ARN", fields.String("name"));
                writer.WriteString("Name", fields.String("name"));
                writer.WriteString("VersionId", id);
                writer.WriteStartArray("VersionStages");
                writer.WriteStringValue(StagedSecret.Pending);
                writer.WriteEndArray();
            },
            cancellation
        );
    }

    private async ValueTask<Outcome> StageAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var fields = request.Fields;
        var label = fields.String("VersionStage");
        var to = fields.String("MoveToVersionId");
        var from = fields.String("RemoveFromVersionId");
        return await ChangeAsync(
            request,
            staged =>
            {
                var holder = staged.Labelled(label)?.Id ?? "";
                if (holder.Length > 0 && holder == to)
                {
                    return (staged, null);
                }

                if (from.Length > 0 && from != holder)
                {
                    return (null, Fault.Invalid("RemoveFromVersionId is not the version that has the label"));
                }

                return label switch
                {
                    StagedSecret.Current when staged.Of(to) is { Value: not null } => (staged.Move(label, to), null),
                    StagedSecret.Pending when to.Length == 0 && from.Length > 0 => (staged.Without(label), null),
                    _ => (
                        null,
                        Fault.Invalid(
                            "only AWSCURRENT can be moved, to a version that has a value, and AWSPENDING removed"
                        )
                    ),
                };
            },
            writer =>
            {
                writer.WriteString("ARN", fields.String("name"));
                writer.WriteString("Name", fields.String("name"));
            },
            cancellation
        );
    }

    /// <summary>What is staged, if the token of the event is shown; null otherwise.</summary>
    private async ValueTask<(StagedSecret? Staged, string Name)> EnterAsync(
        AuthorizedRequest request,
        CancellationToken cancellation
    )
    {
        var name = request.Fields.String("name");
        var (staged, _) = await hooks.StagedAsync(name, cancellation);
        return (staged.Accepts(request.Request.Token, time.GetUtcNow()) ? staged : null, name);
    }

    private async ValueTask<Outcome> ChangeAsync(
        AuthorizedRequest request,
        Func<StagedSecret, (StagedSecret? Staged, Fault? Fault)> change,
        Action<Utf8JsonWriter> reply,
        CancellationToken cancellation
    )
    {
        var (_, fault) = await hooks.ChangeAsync(
            request.Fields.String("name"),
            staged => staged.Accepts(request.Request.Token, time.GetUtcNow()) ? change(staged) : (null, Fault.Denied()),
            cancellation
        );
        return fault is null ? Response.Object(reply) : fault;
    }

    private static Fault? ValueProblem(string value)
    {
        if (value.Length > LongestValue)
        {
            return Fault.TooLarge($"SecretString is longer than {LongestValue} characters");
        }

        try
        {
            using var document = JsonDocument.Parse(value, Json.DocumentOptions);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? null
                : Fault.Invalid("SecretString must be a JSON object as text, as the secret itself is");
        }
        catch (JsonException)
        {
            return Fault.Invalid("SecretString must be a JSON object as text, as the secret itself is");
        }
    }

    private static void WriteLabels(Utf8JsonWriter writer, StagedVersion version)
    {
        writer.WriteStartArray();
        foreach (var label in version.Labels)
        {
            writer.WriteStringValue(label);
        }

        writer.WriteEndArray();
    }
}
