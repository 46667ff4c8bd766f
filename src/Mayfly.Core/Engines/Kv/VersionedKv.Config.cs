using Mayfly.Core.Pipeline;
using Mayfly.Hcl;

namespace Mayfly.Core.Engines.Kv;

/// <content>The engine's settings.</content>
internal sealed partial class VersionedKv
{
    private static readonly FieldSpec MaxVersionsField = new(
        "max_versions",
        FieldType.Int,
        "How many versions to keep; 0 for the engine's setting, or 10 where that is not set either."
    );

    private static readonly FieldSpec CasRequiredField = new(
        "cas_required",
        FieldType.Bool,
        "Whether each write must say which version it replaces."
    );

    private static readonly FieldSpec MetadataCasRequiredField = new(
        "metadata_cas_required",
        FieldType.Bool,
        "Whether each change of metadata must say which version of the metadata it replaces."
    );

    private PathEntry ConfigPath() =>
        new("config")
        {
            Help = "Reads and changes the settings that apply to each secret which has none of its own.",
            Fields =
            [
                MaxVersionsField,
                CasRequiredField,
                MetadataCasRequiredField,
                new FieldSpec(
                    "delete_version_after",
                    FieldType.String,
                    "A duration after which each version is deleted. 0 clears it; a negative one switches it off for all."
                ),
            ],
            Read = Guard(ReadConfigAsync),
            Write = Guard(WriteConfigAsync),
        };

    private async ValueTask<Outcome> ReadConfigAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var config = await _store.ConfigAsync(cancellation);
        return Response.Object(writer =>
        {
            writer.WriteBoolean("cas_required"u8, config.CasRequired);
            writer.WriteString("delete_version_after"u8, GoText.Duration(config.DeleteAfter));
            writer.WriteNumber("max_versions"u8, config.MaxVersions);
            writer.WriteBoolean("metadata_cas_required"u8, config.MetadataCasRequired);
        });
    }

    private async ValueTask<Outcome> WriteConfigAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var fields = request.Fields;
        var maxVersions = fields.IntOrNull("max_versions");
        if (MaxVersionsProblem(maxVersions) is { } problem)
        {
            return problem;
        }

        TimeSpan? deleteAfter = null;
        if (fields.StringOrNull("delete_version_after") is { } text)
        {
            if (!TryDeleteAfter(text.Trim(), out var parsed))
            {
                return Fault.Invalid("field delete_version_after: expected a duration, such as 90, \"30m\" or \"-1s\"");
            }

            deleteAfter = parsed;
        }

        var casRequired = fields.BoolOrNull("cas_required");
        var metadataCasRequired = fields.BoolOrNull("metadata_cas_required");
        if (maxVersions is null && deleteAfter is null && casRequired is null && metadataCasRequired is null)
        {
            return Outcome.Done;
        }

        var result = await _store.SetConfigAsync(
            config =>
                config with
                {
                    MaxVersions = (int?)maxVersions ?? config.MaxVersions,
                    CasRequired = casRequired ?? config.CasRequired,
                    MetadataCasRequired = metadataCasRequired ?? config.MetadataCasRequired,
                    DeleteAfter = deleteAfter ?? config.DeleteAfter,
                },
            cancellation
        );
        if (result.Succeeded && _events.IsHeard)
        {
            _events.Publish("kv-v2/config-write", "config", "config");
        }

        return Outcome.From(result);
    }

    private static Fault? MaxVersionsProblem(long? maxVersions) =>
        maxVersions is < 0 or > int.MaxValue
            ? Fault.Invalid($"field max_versions: expected a number from 0 to {int.MaxValue}")
            : null;

    private static bool TryDeleteAfter(ReadOnlySpan<char> text, out TimeSpan deleteAfter)
    {
        if (text.IsEmpty)
        {
            deleteAfter = TimeSpan.Zero;
            return true;
        }

        var negative = text[0] == '-';
        if (!Durations.TryParse(negative ? text[1..] : text, out deleteAfter))
        {
            return false;
        }

        // How far below zero does not matter, and Vault shows it so.
        deleteAfter = negative && deleteAfter > TimeSpan.Zero ? TimeSpan.FromSeconds(-1) : deleteAfter;
        return true;
    }
}
