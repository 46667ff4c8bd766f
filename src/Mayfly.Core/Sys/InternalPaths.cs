using Mayfly.Core.Engines;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/internal</c>: what command lines and user interfaces ask before they act, and the API's description.</summary>
internal sealed class InternalPaths(MountRegistry mounts, VaultOptions server)
{
    public IEnumerable<PathEntry> Entries =>
        [
            new("internal/ui/mounts")
            {
                Help = "Lists the mounts that the caller may use, and those that are listed to anybody.",
                Access = Access.Anyone,
                Read = (request, _) => new(ListMounts(request)),
            },
            new("internal/ui/mounts/{path*}")
            {
                Help = "Shows the mount that a path belongs to, if the caller may use anything there.",
                Access = Access.Anyone,
                Fields = [new("path", FieldType.String, "Any path.")],
                Read = (request, _) => new(ShowMount(request)),
            },
            new("internal/specs/openapi")
            {
                Help = "Describes every path of every mount in OpenAPI 3.",
                Access = Access.Anyone,
                Fields =
                [
                    new("context", FieldType.String, "Not looked at."),
                    new("generic_mount_paths", FieldType.Bool, "Not looked at."),
                ],
                Read = Describe,
                Write = Describe,
            },
        ];

    private ValueTask<Outcome> Describe(AuthorizedRequest request, CancellationToken cancellation) =>
        new(Response.Object(ResponseShape.Bare, writer => OpenApi.WriteTo(writer, mounts.Table, server.Version)));

    private Response ListMounts(AuthorizedRequest request) =>
        Response.Object(writer =>
        {
            foreach (var (name, kind) in new[] { ("secret", EngineKind.Secrets), ("auth", EngineKind.Auth) })
            {
                writer.WriteStartObject(name);
                foreach (var mounted in mounts.Table.All)
                {
                    var mount = mounted.Mount;
                    if (mount.Kind == kind && (mount.Tuning.ListingVisibility == "unauth" || MayUse(request, mount)))
                    {
                        writer.WriteStartObject(MountJson.ShownPath(mount));
                        writer.WriteString("description", mount.Description);
                        MountJson.WriteOptions(writer, mount);
                        writer.WriteString("type", mount.Type);
                        writer.WriteEndObject();
                    }
                }

                writer.WriteEndObject();
            }
        });

    private Outcome ShowMount(AuthorizedRequest request)
    {
        var path = request.Fields.String("path");
        var mounted = mounts.Table.Route(path) ?? mounts.Table.Route(path + "/");
        if (request.CallerOrNull is null)
        {
            return Fault.Denied();
        }

        if (mounted is null || !MayUse(request, mounted.Mount))
        {
            return Fault.Denied(
                "preflight capability check returned 403, please ensure client's policies grant access to path "
                    + $"\"{path.TrimEnd('/')}/\""
            );
        }

        return Response.Object(writer =>
        {
            MountJson.WriteTo(writer, mounted.Mount);
            writer.WriteString("path", mounted.Mount.Path);
        });
    }

    private static bool MayUse(AuthorizedRequest request, Mount mount) =>
        request.CallerOrNull is { } caller && caller.Acl.AllowsBelow(mount.Path);
}
