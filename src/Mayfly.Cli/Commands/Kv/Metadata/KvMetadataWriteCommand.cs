using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Kv.Metadata;

/// <summary><c>kv metadata put</c> and <c>kv metadata patch</c>: the same settings, whole or in part.</summary>
internal sealed class KvMetadataWriteCommand(bool isPatch)
    : KvCommand(
        isPatch ? "patch" : "put",
        isPatch ? "Change some settings of a secret" : "Set the settings of a secret"
    )
{
    private readonly BoolFlag _casRequired = new("cas-required", "Every write must name the current version (-cas).");

    private readonly DurationFlag _deleteAfter = new(
        "delete-version-after",
        "Versions are deleted this long after they were written."
    );

    private readonly NumberFlag _maxVersions = new("max-versions", "How many versions are kept.");

    private readonly MapFlag _custom = new("custom-metadata", "A note on the secret, as key=value. May be repeated.");

    private readonly ListFlag _removeCustom = new("remove-custom-metadata", "A note to remove. May be repeated.");

    public override string Usage => "[options] KEY";

    public override string Details =>
        isPatch
            ? """
                Changes the settings that are given; others stay.
                $ mayfly kv metadata patch -custom-metadata=owner=team-a secret/app
                $ mayfly kv metadata patch -remove-custom-metadata=owner secret/app
                """
            : """
                Sets the settings of a secret, or makes a secret without versions.
                $ mayfly kv metadata put -max-versions=5 -custom-metadata=owner=team-a secret/app
                """;

    public override IReadOnlyList<Flag> Flags =>
        isPatch
            ? [.. base.Flags, _casRequired, _deleteAfter, _maxVersions, _custom, _removeCustom]
            : [.. base.Flags, _casRequired, _deleteAfter, _maxVersions, _custom];

    public override bool HasField => false;

    protected override async Task<int> RunAsync(Invocation call, KvPath path)
    {
        if (!path.IsVersion2)
        {
            return NeedsVersion2(call, path);
        }

        var api = path.Api("metadata");
        var body = JsonText.Bytes(Write);
        var response = isPatch ? await call.PatchAsync(api, body) : await call.WriteAsync(api, body);
        return call.Done($"Success! Data written to: {api}", $"Error writing data to {api}", response);
    }

    private void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        if (_casRequired.IsSet)
        {
            writer.WriteBoolean("cas_required", _casRequired.Value);
        }

        if (_deleteAfter.Value is { } after)
        {
            writer.WriteString("delete_version_after", after);
        }

        if (_maxVersions.Value is { } most)
        {
            writer.WriteNumber("max_versions", most);
        }

        if (_custom.IsSet || _removeCustom.IsSet)
        {
            writer.WriteStartObject("custom_metadata");
            foreach (var (name, value) in _custom.Values)
            {
                writer.WriteString(name, value);
            }

            foreach (var name in _removeCustom.Values)
            {
                writer.WriteNull(name);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}
