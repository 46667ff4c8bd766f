using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Kv;

/// <content>Paths about keys: their settings, custom metadata, versions and names.</content>
internal sealed partial class VersionedKv
{
    private const string IgnoredWarning =
        "set to false, but is mandated by backend config. This value will be ignored.";

    private static readonly FieldSpec AfterField = new(
        "after",
        FieldType.String,
        "When listing: the name after which to begin; it need not exist."
    );

    private static readonly FieldSpec LimitField = new(
        "limit",
        FieldType.Int,
        "When listing: how many names to give at most; 0 for all."
    );

    private PathEntry MetadataPath() =>
        new("metadata/{path*}")
        {
            Help =
                "Lists names, and reads, changes or deletes the metadata of a secret. Deleting it removes the secret "
                + "with all its versions for good.",
            Fields =
            [
                PathField,
                MaxVersionsField,
                CasRequiredField,
                new FieldSpec(
                    "delete_version_after",
                    FieldType.Duration,
                    "How long a new version lives; not longer than the engine's setting. 0 clears it."
                ),
                new FieldSpec(
                    "custom_metadata",
                    FieldType.Object,
                    "Your own remarks: up to 64 names (128 bytes) with texts (512 bytes)."
                ),
                MetadataCasRequiredField,
                new FieldSpec(
                    "metadata_cas",
                    FieldType.Int,
                    "The change happens only if this is the metadata's current version; 0 means that there must be none."
                ),
                AfterField,
                LimitField,
            ],
            Read = ForSecret(ReadMetadataAsync),
            List = Guard(ListAsync),
            Write = ForSecret(
                (request, path, cancellation) => ChangeMetadataAsync(request, path, patch: false, cancellation)
            ),
            Patch = ForSecret(
                (request, path, cancellation) =>
                    ContentTypeProblem(request) is { } problem
                        ? new(problem)
                        : ChangeMetadataAsync(request, path, patch: true, cancellation)
            ),
            Delete = ForSecret(DeleteMetadataAsync),
            Exists = KeyExistsAsync,
        };

    private PathEntry DetailedMetadataPath() =>
        new("detailed-metadata/{path*}")
        {
            Help = "Lists names together with the metadata of each.",
            Fields = [PathField, AfterField, LimitField],
            List = Guard(ListDetailedAsync),
        };

    private async ValueTask<Outcome> ReadMetadataAsync(
        AuthorizedRequest request,
        string path,
        CancellationToken cancellation
    )
    {
        var key = await LoadAsync(path, cancellation);
        if (key is null)
        {
            return Fault.NotFound();
        }

        var config = await _store.ConfigAsync(cancellation);
        return Response.Object(writer => KvReply.WriteKey(writer, key, config));
    }

    private async ValueTask<KeyMetadata?> LoadAsync(string path, CancellationToken cancellation)
    {
        using var entry = await _store.KeyAsync(path, cancellation);
        return entry is null ? null : new KeyMetadata(new StoredKey(entry.Value.Span));
    }

    private async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var path = request.Fields.String("path");
        return KeyPath.FolderProblem(path) is { } problem
            ? problem
            : Response.Keys(await NamesAsync(request, path, cancellation));
    }

    private async ValueTask<Outcome> ListDetailedAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var path = request.Fields.String("path");
        if (KeyPath.FolderProblem(path) is { } problem)
        {
            return problem;
        }

        var names = await NamesAsync(request, path, cancellation);
        if (names.Count == 0)
        {
            return Fault.NotFound();
        }

        var config = await _store.ConfigAsync(cancellation);
        var keys = new List<(string Name, KeyMetadata? Key)>(names.Count);
        foreach (var name in names)
        {
            var isFolder = name.EndsWith('/');
            keys.Add((name, isFolder ? null : await LoadAsync(KeyPath.Folder(path) + name, cancellation)));
        }

        return Response.Object(writer =>
        {
            writer.WriteStartObject("key_info"u8);
            foreach (var (name, key) in keys)
            {
                writer.WriteStartObject(name);
                if (key is not null)
                {
                    KvReply.WriteKey(writer, key, config);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndObject();
            writer.WriteStartArray("keys"u8);
            foreach (var name in names)
            {
                writer.WriteStringValue(name);
            }

            writer.WriteEndArray();
        });
    }

    private async ValueTask<IReadOnlyList<string>> NamesAsync(
        AuthorizedRequest request,
        string path,
        CancellationToken cancellation
    )
    {
        var names = await _store.ListAsync(KeyPath.Folder(path), cancellation);
        var after = request.Fields.String("after");
        var limit = request.Fields.Int("limit");
        if (after.Length == 0 && limit <= 0)
        {
            return names;
        }

        var rest = names.Where(name => string.CompareOrdinal(name, after) > 0);
        return [.. limit > 0 ? rest.Take((int)Math.Min(limit, int.MaxValue)) : rest];
    }

    private async ValueTask<Outcome> ChangeMetadataAsync(
        AuthorizedRequest request,
        string path,
        bool patch,
        CancellationToken cancellation
    )
    {
        var fields = request.Fields;
        var sent = new MetadataFields(fields, patch);
        if (!sent.Any)
        {
            return Outcome.Done;
        }

        if (MaxVersionsProblem(sent.MaxVersions) is { } problem)
        {
            return problem;
        }

        return await _store.ChangeAsync(
            path,
            change =>
            {
                if (change.Key is null && patch)
                {
                    return new(Fault.NotFound());
                }

                if (MetadataCasProblem(fields.IntOrNull("metadata_cas"), change) is { } mismatch)
                {
                    return new(mismatch);
                }

                var custom = change.Key?.CustomMetadata ?? [];
                if (sent.CustomMetadata is { ValueKind: JsonValueKind.Object } remarks)
                {
                    var (merged, fault) = CustomMetadata.Merge(custom, remarks, patch);
                    if (fault is not null)
                    {
                        return new(fault);
                    }

                    custom = merged!;
                }
                else if (sent.CustomMetadata is not null)
                {
                    custom = [];
                }

                change.Event = new KvEvent(patch ? "metadata-patch" : "metadata-write");
                var isNew = change.Key is null;
                var key = change.Edit();
                key.MetadataVersion = isNew ? 1 : key.MetadataVersion + 1;
                key.MaxVersions = (int?)sent.MaxVersions ?? key.MaxVersions;
                key.CasRequired = sent.CasRequired ?? key.CasRequired;
                key.MetadataCasRequired = sent.MetadataCasRequired ?? key.MetadataCasRequired;
                key.DeleteAfter = sent.DeleteAfter ?? key.DeleteAfter;
                key.CustomMetadata = custom;
                return new(new Response { Warnings = Warnings(sent, change.Config) });
            },
            cancellation
        );
    }

    private async ValueTask<Outcome> DeleteMetadataAsync(
        AuthorizedRequest request,
        string path,
        CancellationToken cancellation
    ) =>
        await _store.ChangeAsync(
            path,
            change =>
            {
                if (change.Key is not null)
                {
                    change.Event = new KvEvent("metadata-delete");
                    change.Remove();
                }

                return new(Outcome.Done);
            },
            cancellation
        );

    private static Fault? MetadataCasProblem(long? expected, KeyChange change)
    {
        if (expected is null)
        {
            return change.Config.MetadataCasRequired || change.Key is { MetadataCasRequired: true }
                ? Fault.Invalid("metadata check-and-set parameter required for this call")
                : null;
        }

        return change.Key is null
                ? (expected == 0 ? null : Fault.Invalid("metadata_cas must be 0 when creating new metadata"))
            : expected == change.Key.MetadataVersion ? null
            : Fault.Invalid("metadata check-and-set parameter does not match the current version");
    }

    private static List<string> Warnings(MetadataFields sent, KvConfig config)
    {
        var warnings = new List<string>();
        if (sent.CasRequired == false && config.CasRequired)
        {
            warnings.Add($"\"cas_required\" {IgnoredWarning}");
        }

        if (sent.MetadataCasRequired == false && config.MetadataCasRequired)
        {
            warnings.Add($"\"metadata_cas_required\" {IgnoredWarning}");
        }

        return warnings;
    }

    /// <summary>The settings that were sent. In a patch, null puts a setting back to its default.</summary>
    private sealed class MetadataFields(FieldValues fields, bool patch)
    {
        public long? MaxVersions { get; } =
            fields.IntOrNull("max_versions") ?? (Cleared(fields, patch, "max_versions") ? 0 : null);

        public bool? CasRequired { get; } =
            fields.BoolOrNull("cas_required") ?? (Cleared(fields, patch, "cas_required") ? false : null);

        public bool? MetadataCasRequired { get; } =
            fields.BoolOrNull("metadata_cas_required")
            ?? (Cleared(fields, patch, "metadata_cas_required") ? false : null);

        public TimeSpan? DeleteAfter { get; } =
            fields.DurationOrNull("delete_version_after")
            ?? (Cleared(fields, patch, "delete_version_after") ? TimeSpan.Zero : null);

        /// <summary>An object, or (in a patch) null.</summary>
        public JsonElement? CustomMetadata { get; } =
            fields.Element("custom_metadata")
            ?? (Cleared(fields, patch, "custom_metadata") ? default(JsonElement) : null);

        public bool Any =>
            MaxVersions is not null
            || CasRequired is not null
            || MetadataCasRequired is not null
            || DeleteAfter is not null
            || CustomMetadata is not null;

        private static bool Cleared(FieldValues fields, bool patch, string name) =>
            patch
            && fields.Body is { } body
            && body.TryGetProperty(name, out var value)
            && value.ValueKind == JsonValueKind.Null;
    }
}
