using Mayfly.Core.Auth;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/locked-users</c>: who may not log in for a while after too many failures, and letting them again.</summary>
internal sealed class LockedUserPaths(MountRegistry mounts)
{
    private static readonly FieldSpec MountAccessor = new(
        "mount_accessor",
        FieldType.String,
        "Accessor of the auth method's mount."
    );

    public IEnumerable<PathEntry> Entries =>
        [
            new("locked-users")
            {
                Help =
                    "Lists the names that are locked after too many failed logins, by the mount of their auth method.",
                Fields = [MountAccessor],
                Read = (request, _) => new(List(request.Fields.String("mount_accessor"))),
            },
            new("locked-users/{mount_accessor}/unlock/{alias_identifier*}")
            {
                Help =
                    "Unlocks a name: a user's name for userpass, the role id for approle. A name that is not locked is fine.",
                Access = Access.Sudo,
                Fields = [MountAccessor, new("alias_identifier", FieldType.String, "The name that is locked.")],
                Write = (request, _) => new(Unlock(request.Fields)),
            },
        ];

    private Outcome List(string accessor)
    {
        if (accessor.Length > 0 && Find(accessor) is null)
        {
            return Fault.Invalid($"there is no auth method with the accessor \"{accessor}\" that locks logins");
        }

        var locked = mounts
            .Table.All.Where(mounted => accessor.Length == 0 || mounted.Mount.Accessor == accessor)
            .Select(mounted => (mounted.Mount.Accessor, Names: (mounted.Engine as ILocksLogins)?.LockedNames ?? []))
            .Where(mount => mount.Names.Count > 0)
            .OrderByDescending(mount => mount.Names.Count)
            .ToList();
        var total = locked.Sum(mount => mount.Names.Count);
        return Response.Object(writer =>
        {
            writer.WriteStartArray("by_namespace");
            if (total > 0)
            {
                writer.WriteStartObject();
                writer.WriteString("namespace_id", "root");
                writer.WriteString("namespace_path", "");
                writer.WriteNumber("counts", total);
                writer.WriteStartArray("mount_accessors");
                foreach (var (name, names) in locked)
                {
                    writer.WriteStartObject();
                    writer.WriteString("mount_accessor", name);
                    writer.WriteNumber("counts", names.Count);
                    TokenParameters.WriteStrings(writer, "alias_identifiers", names);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteNumber("total", total);
        });
    }

    private Outcome Unlock(FieldValues fields)
    {
        var accessor = fields.String("mount_accessor");
        if (Find(accessor) is not { } method)
        {
            return Fault.Invalid($"there is no auth method with the accessor \"{accessor}\" that locks logins");
        }

        method.Unlock(fields.String("alias_identifier"));
        return Outcome.Done;
    }

    private ILocksLogins? Find(string accessor) =>
        mounts.Table.All.FirstOrDefault(mounted => mounted.Mount.Accessor == accessor)?.Engine as ILocksLogins;
}
