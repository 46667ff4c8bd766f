using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Rotation;

/// <summary>
/// The names of rotations: one that an operator chose has no slash in it; that of an engine's is the mount's path and the
/// engine's name for the secret.
/// </summary>
internal sealed class RotationNames(RotationRecords records, MountRegistry mounts)
{
    /// <summary>What a name stands for, whether there is such a rotation or not; null when there is no such mount.</summary>
    public RotationId? Find(string name)
    {
        if (!name.Contains('/', StringComparison.Ordinal))
        {
            return name.Length == 0 ? null : RotationId.Of(name);
        }

        return mounts.Table.Route(name) is { } mounted && name.Length > mounted.Mount.Path.Length
            ? new RotationId(mounted.Mount.Uuid, name[mounted.Mount.Path.Length..])
            : null;
    }

    /// <summary>Answers LIST: all names, or those that begin with the field <c>name</c>.</summary>
    public async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var names = new List<string>();
        foreach (var mounted in mounts.Table.All)
        {
            var path = mounted.Mount.Path;
            var targets = await records.ListAsync(mounted.Mount.Uuid, cancellation);
            names.AddRange(targets.Select(target => path + target));
        }

        names.AddRange(await records.ListAsync("", cancellation));
        var below = request.Fields.String("name");
        names.RemoveAll(name => !name.StartsWith(below, StringComparison.Ordinal));
        names.Sort(StringComparer.Ordinal);
        return Response.Keys(names);
    }
}
