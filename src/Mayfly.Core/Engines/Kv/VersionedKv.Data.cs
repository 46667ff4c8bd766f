using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Kv;

/// <content>Paths about the values: data and subkeys.</content>
internal sealed partial class VersionedKv
{
    private const string MergePatchType = "application/merge-patch+json";

    private PathEntry DataPath() =>
        new("data/{path*}")
        {
            Help =
                "Reads a secret, writes a new version of it, patches it, or deletes its current version (which can "
                + "be undone).",
            Fields =
            [
                PathField,
                VersionField,
                new FieldSpec(
                    "options",
                    FieldType.Object,
                    "Options of a write. With cas, the write happens only if that is the current version; 0 means that "
                        + "there must be none."
                ),
                new FieldSpec("data", FieldType.Object, "The secret: a JSON object."),
                // Terraform sends it with every write, always 0: taking it at its word would refuse every change.
                new FieldSpec("cas", FieldType.Int, "Not looked at here, as in Vault: it belongs into options.")
                {
                    Ignored = true,
                },
            ],
            Read = Guard(ReadDataAsync),
            Write = ForSecret(WriteDataAsync),
            Patch = ForSecret(PatchDataAsync),
            Delete = ForSecret(DeleteDataAsync),
            Exists = KeyExistsAsync,
        };

    private PathEntry SubkeysPath() =>
        new("subkeys/{path*}")
        {
            Help = "Reads the names inside a secret without their values.",
            Fields =
            [
                PathField,
                VersionField,
                new FieldSpec("depth", FieldType.Int, "How many levels of names to show; 0 for all."),
            ],
            Read = ForSecret(ReadSubkeysAsync),
        };

    private ValueTask<Outcome> ReadDataAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var path = request.Fields.String("path");
        if (KeyPath.Problem(path, request.Operation) is { } problem)
        {
            return new(path.Length == 0 ? NotOnTheRoot() : problem);
        }

        return _store.ReadAsync(path, request.Fields.Int("version"), KvReply.Read, cancellation);
    }

    private ValueTask<Outcome> ReadSubkeysAsync(AuthorizedRequest request, string path, CancellationToken cancellation)
    {
        var depth = request.Fields.Int("depth");
        return _store.ReadAsync(path, request.Fields.Int("version"), Reply, cancellation);

        Outcome Reply(StoredKey key, long number, VersionState state, ReadOnlySpan<byte> value)
        {
            var custom = key.CustomMetadata.ToArray();
            var data = value.IsEmpty ? (JsonElement?)null : JsonElement.Parse(value, Json.DocumentOptions);
            var response = Response.Object(writer =>
            {
                writer.WriteStartObject("metadata"u8);
                KvReply.WriteVersion(writer, custom, number, state);
                writer.WriteEndObject();
                writer.WritePropertyName("subkeys"u8);
                if (data is { } secret)
                {
                    Subkeys.Write(writer, secret, depth);
                }
                else
                {
                    writer.WriteNullValue();
                }
            });
            return data is null ? Fault.NotFound() with { Body = response } : response;
        }
    }

    private async ValueTask<Outcome> WriteDataAsync(
        AuthorizedRequest request,
        string path,
        CancellationToken cancellation
    )
    {
        if (request.Fields.Element("data") is not { } data)
        {
            return Fault.Invalid("no data provided");
        }

        return await _store.ChangeAsync(
            path,
            change =>
            {
                if (CasProblem(request, change) is { } problem)
                {
                    return new(problem);
                }

                change.Event = new KvEvent("data-write");
                var state = change.AddVersion(JsonMarshal.GetRawUtf8Value(data));
                return new(KvReply.Version(change.Key!, change.Key!.CurrentVersion, state));
            },
            cancellation
        );
    }

    private async ValueTask<Outcome> PatchDataAsync(
        AuthorizedRequest request,
        string path,
        CancellationToken cancellation
    )
    {
        if (ContentTypeProblem(request) is { } wrongType)
        {
            return wrongType;
        }

        if (request.Fields.Element("data") is not { } patch)
        {
            return Fault.Invalid("no data provided");
        }

        return await _store.ChangeAsync(
            path,
            async change =>
            {
                if (change.Key is not { } key)
                {
                    return Fault.NotFound();
                }

                if (CasProblem(request, change) is { } problem)
                {
                    return problem;
                }

                if (!key.TryVersion(key.CurrentVersion, out var current))
                {
                    return Fault.NotFound();
                }

                if (!current.IsLive(change.Now))
                {
                    return Fault.NotFound() with { Body = KvReply.Version(key, key.CurrentVersion, current) };
                }

                using var value =
                    await change.CurrentValueAsync(cancellation)
                    ?? throw new Storage.StoreCorruptException("A live version of a secret has no record.");
                using var document = JsonDocument.Parse(value.Memory, Json.DocumentOptions);
                using var patched = MergePatch.Apply(document.RootElement, patch);
                change.Event = new KvEvent("data-patch");
                var state = change.AddVersion(patched.Span);
                return KvReply.Version(key, key.CurrentVersion, state);
            },
            cancellation
        );
    }

    private async ValueTask<Outcome> DeleteDataAsync(
        AuthorizedRequest request,
        string path,
        CancellationToken cancellation
    ) =>
        await _store.ChangeAsync(
            path,
            change =>
            {
                if (change.Key is { } key)
                {
                    change.Event = new KvEvent("data-delete");
                    DeleteVersion(change, key.CurrentVersion);
                }

                return new(Outcome.Done);
            },
            cancellation
        );

    private static Fault? CasProblem(AuthorizedRequest request, KeyChange change)
    {
        if (
            request.Fields.Element("options") is { ValueKind: JsonValueKind.Object } options
            && options.TryGetProperty("cas"u8, out var cas)
        )
        {
            return !TryCas(cas, out var expected) ? Fault.Invalid("error parsing check-and-set parameter")
                : expected != (change.Key?.CurrentVersion ?? 0)
                    ? Fault.Invalid("check-and-set parameter did not match the current version")
                : null;
        }

        return change.Config.CasRequired || change.Key is { CasRequired: true }
            ? Fault.Invalid("check-and-set parameter required for this call")
            : null;
    }

    /// <summary>A version as clients send it: a number, its text, or null for 0.</summary>
    private static bool TryCas(JsonElement value, out long version)
    {
        version = 0;
        return value.ValueKind switch
        {
            JsonValueKind.Null => true,
            JsonValueKind.Number => value.TryGetInt64(out version),
            JsonValueKind.String => long.TryParse(
                value.GetString(),
                NumberStyles.AllowLeadingSign,
                CultureInfo.InvariantCulture,
                out version
            ),
            _ => false,
        };
    }

    private static Fault? ContentTypeProblem(AuthorizedRequest request)
    {
        var type = request.ContentType ?? "";
        var media = type.AsSpan(0, type.IndexOf(';') is >= 0 and var end ? end : type.Length).Trim();
        return media.Equals(MergePatchType, StringComparison.OrdinalIgnoreCase)
            ? null
            : Fault.WrongMediaType($"PATCH requires Content-Type of {MergePatchType}");
    }
}
