using System.Security.Cryptography;
using Mayfly.Core.Engines;
using Mayfly.Core.Events;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/mounts</c>, <c>sys/auth</c> and <c>sys/remount</c>: which engine answers where.</summary>
internal sealed class MountPaths(MountRegistry mounts, VaultOptions server, EventSource events)
{
    private static readonly IReadOnlyList<FieldSpec> TuneFields =
    [
        new("path", FieldType.String, "Path of the mount."),
        new(
            "default_lease_ttl",
            FieldType.String,
            "TTL of leases and tokens that ask for none; \"system\" or 0 for the server's."
        ),
        new("max_lease_ttl", FieldType.String, "The longest TTL; \"system\" or 0 for the server's."),
        new("description", FieldType.String, "For people."),
        new("audit_non_hmac_request_keys", FieldType.StringList, "Keys of requests that the audit shows as they are."),
        new("audit_non_hmac_response_keys", FieldType.StringList, "Keys of replies that the audit shows as they are."),
        new("listing_visibility", FieldType.String, "hidden, or unauth to be listed to anybody."),
        new("passthrough_request_headers", FieldType.StringList, "Request headers for the engine.") { Ignored = true },
        new("allowed_response_headers", FieldType.StringList, "Headers that the engine may set.") { Ignored = true },
        new("token_type", FieldType.String, "For auth mounts: default-service, default-batch, service or batch."),
        new("options", FieldType.StringMap, "The engine's own options, such as version=2."),
        new("allowed_managed_keys", FieldType.StringList, "Not supported.") { Ignored = true },
        new("plugin_version", FieldType.String, "Not supported.") { Ignored = true },
        new(
            "user_lockout_config",
            FieldType.Object,
            "For auth mounts: lockout_threshold, lockout_duration, lockout_counter_reset_duration, lockout_disable."
        ),
        new("delegated_auth_accessors", FieldType.StringList, "Not supported.") { Ignored = true },
        new("force_no_cache", FieldType.Bool, "Nothing is cached in plaintext in any case."),
        new("identity_token_key", FieldType.String, "Not supported.") { Ignored = true },
    ];

    private static readonly IReadOnlyList<FieldSpec> EnableFields =
    [
        new("path", FieldType.String, "Where to mount."),
        new("type", FieldType.String, "The kind of engine, such as kv or userpass."),
        new("description", FieldType.String, "For people."),
        new("config", FieldType.Object, "default_lease_ttl, max_lease_ttl and what else tune takes."),
        new("options", FieldType.StringMap, "The engine's own options, such as version=2."),
        new("local", FieldType.Bool, "Is not replicated."),
        new("seal_wrap", FieldType.Bool, "Shown again; everything is wrapped by the seal's keyring in any case."),
        new("external_entropy_access", FieldType.Bool, "Shown again."),
        new("plugin_name", FieldType.String, "Older name of type."),
        new("plugin_version", FieldType.String, "Not supported.") { Ignored = true },
    ];

    public IEnumerable<PathEntry> Entries =>
        [.. Of(EngineKind.Secrets, "mounts"), .. Of(EngineKind.Auth, "auth"), .. Remount];

    private IEnumerable<PathEntry> Remount =>
        [
            new("remount")
            {
                Help = "Moves a mount to another path, with its data.",
                Access = Access.Sudo,
                Fields =
                [
                    new("from", FieldType.String, "Where it is.") { Required = true },
                    new("to", FieldType.String, "Where it shall be.") { Required = true },
                ],
                Write = RemountAsync,
            },
            new("remount/status/{migration_id}")
            {
                Help = "Tells how a move went. Moves are done when the reply to them arrives.",
                Fields = [new("migration_id", FieldType.String, "What the move replied.")],
                Read = (request, _) =>
                    new(
                        Response.Object(writer =>
                        {
                            writer.WriteString("migration_id", request.Fields.String("migration_id"));
                            writer.WriteStartObject("migration_info");
                            writer.WriteString("status", "success");
                            writer.WriteEndObject();
                        })
                    ),
            },
        ];

    private IEnumerable<PathEntry> Of(EngineKind kind, string root) =>
        [
            new(root) { Help = $"Lists what is enabled at {root}.", Read = (_, _) => new(List(kind)) },
            new(root + "/{path*}/tune")
            {
                Help = "Reads and changes the settings of a mount.",
                Access = kind == EngineKind.Auth ? Access.Sudo : Access.Token,
                Fields = TuneFields,
                Read = (request, _) => new(ReadTuning(FullPath(kind, request))),
                Write = (request, cancellation) => TuneAsync(FullPath(kind, request), request.Fields, cancellation),
            },
            new(root + "/{path*}")
            {
                Help = "Enables, shows and disables a mount.",
                Access = kind == EngineKind.Auth ? Access.Sudo : Access.Token,
                Fields = EnableFields,
                Read = (request, _) => new(Show(kind, FullPath(kind, request))),
                Write = (request, cancellation) => EnableAsync(kind, request, cancellation),
                Delete = async (request, cancellation) =>
                    Told(
                        "mayfly/mount-disable",
                        FullPath(kind, request),
                        await mounts.DisableAsync(FullPath(kind, request), cancellation)
                    ),
            },
        ];

    private static string FullPath(EngineKind kind, AuthorizedRequest request) =>
        (kind == EngineKind.Auth ? "auth/" : "") + request.Fields.String("path").Trim('/') + "/";

    private Response List(EngineKind kind)
    {
        var table = mounts.Table;
        return Response.Object(
            ResponseShape.EnvelopeAndTop,
            writer =>
            {
                foreach (var mounted in table.All.Where(mounted => mounted.Mount.Kind == kind))
                {
                    writer.WriteStartObject(MountJson.ShownPath(mounted.Mount));
                    MountJson.WriteTo(writer, mounted.Mount);
                    writer.WriteEndObject();
                }
            }
        );
    }

    private Outcome Show(EngineKind kind, string path) =>
        mounts.Table.At(path) is { } mounted
            ? Response.Object(writer => MountJson.WriteTo(writer, mounted.Mount))
            : Fault.Invalid($"No {(kind == EngineKind.Auth ? "auth" : "secret")} engine at {path}");

    private Outcome ReadTuning(string path) =>
        mounts.Table.At(path) is { } mounted
            ? Response.Object(
                ResponseShape.EnvelopeAndTop,
                writer => MountJson.WriteTuningTo(writer, mounted.Mount, server)
            )
            : Fault.Invalid($"cannot fetch sysview for path \"{path}\"");

    private async ValueTask<Outcome> EnableAsync(
        EngineKind kind,
        AuthorizedRequest request,
        CancellationToken cancellation
    )
    {
        var fields = request.Fields;
        var name = fields.String("type") is { Length: > 0 } type ? type : fields.String("plugin_name");
        var options = fields.StringMapOrNull("options") ?? new Dictionary<string, string>(StringComparer.Ordinal);
        if (name.Length == 0)
        {
            return Fault.Invalid("backend type must be specified as a string");
        }

        if (server.Engines.Resolve(kind, name, options) is not ({ BuiltIn: false } found, var resolved))
        {
            var known = server.Engines.Where(other => other.Kind == kind && !other.BuiltIn).Select(other => other.Name);
            return Fault.Invalid(
                $"plugin not found in the catalog: {Shown(name)}; this server has: {string.Join(", ", known)}"
            );
        }

        if (found.CheckOptions(null, resolved) is { } bad)
        {
            return bad;
        }

        var (tuning, fault) = MountTuningFields.Apply(new MountTuning(), fields.Element("config"), server);
        if (tuning is null)
        {
            return fault!;
        }

        var mount = new Mount
        {
            Uuid = Guid.NewGuid().ToString(),
            Kind = kind,
            Path = FullPath(kind, request),
            Type = found.Name,
            Accessor =
                $"{(kind == EngineKind.Auth ? "auth_" : "")}{found.Name}_{RandomNumberGenerator.GetHexString(8, lowercase: true)}",
            Description = fields.String("description"),
            Options = resolved,
            Tuning = tuning,
            Local = fields.Bool("local"),
            SealWrap = fields.Bool("seal_wrap"),
            ExternalEntropyAccess = fields.Bool("external_entropy_access"),
        };
        return Told("mayfly/mount-enable", mount.Path, await mounts.EnableAsync(mount, cancellation));
    }

    private async ValueTask<Outcome> TuneAsync(string path, FieldValues fields, CancellationToken cancellation)
    {
        if (mounts.Table.At(path) is not { } mounted)
        {
            return Fault.Invalid($"no matching mount at \"{path}\"");
        }

        var (tuning, fault) = MountTuningFields.Apply(mounted.Mount.Tuning, fields.Body, server);
        if (tuning is null)
        {
            return fault!;
        }

        var options = new Dictionary<string, string>(mounted.Mount.Options, StringComparer.Ordinal);
        foreach (
            var (key, value) in fields.StringMapOrNull("options")
                ?? new Dictionary<string, string>(StringComparer.Ordinal)
        )
        {
            options[key] = value;
        }

        var type = server.Engines.Find(mounted.Mount.Kind, mounted.Mount.Type);
        if (type?.CheckOptions(mounted.Mount.Options, options) is { } bad)
        {
            return bad;
        }

        var description = fields.StringOrNull("description");
        var changed = await mounts.ChangeAsync(
            path,
            mount => mount with { Tuning = tuning, Options = options, Description = description ?? mount.Description },
            cancellation
        );
        return Told("mayfly/mount-tune", path, changed);
    }

    private async ValueTask<Outcome> RemountAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var from = request.Fields.String("from").Trim('/') + "/";
        var to = request.Fields.String("to").Trim('/') + "/";
        if (from.StartsWith("auth/", StringComparison.Ordinal) != to.StartsWith("auth/", StringComparison.Ordinal))
        {
            return Fault.Invalid("cannot move between secrets engines and auth methods");
        }

        if (mounts.Table.At(from) is null)
        {
            return Fault.Invalid($"no matching mount at \"{from}\"");
        }

        if (await mounts.ChangeAsync(from, mount => mount with { Path = to }, cancellation) is { } fault)
        {
            return fault;
        }

        _ = Told("mayfly/mount-move", from, null);
        _ = Told("mayfly/mount-move", to, null);
        return Response.Object(writer => writer.WriteString("migration_id", Guid.NewGuid().ToString()));
    }

    /// <summary>The outcome of a change of the mount at <paramref name="path"/>, which is told of when it succeeded.</summary>
    private Outcome Told(string eventType, string path, Fault? fault)
    {
        if (fault is not null)
        {
            return fault;
        }

        if (events.IsHeard)
        {
            var isAuth = path.StartsWith("auth/", StringComparison.Ordinal);
            var shown = (isAuth ? "" : "mounts/") + path.TrimEnd('/');
            (isAuth ? events.ForSudo() : events).Publish(eventType, shown, shown);
        }

        return Outcome.Done;
    }

    private static string Shown(string name) => name.Length <= 64 ? name : name[..64] + "…";
}
