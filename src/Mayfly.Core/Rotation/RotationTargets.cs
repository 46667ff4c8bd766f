using Mayfly.Core.Engines;
using Mayfly.Core.Mounts;

namespace Mayfly.Core.Rotation;

/// <summary>Finds what a rotation works on.</summary>
internal sealed class RotationTargets(MountRegistry mounts)
{
    /// <summary>The target, or null when it is gone for good: its mount has been removed.</summary>
    public ValueTask<RotationTarget?> FindAsync(RotationId id, RotationRecord record, CancellationToken cancellation)
    {
        if (mounts.Table.Of(id.MountUuid) is not { } mounted)
        {
            return new((RotationTarget?)null);
        }

        var readPath = record.Terms.ReadPath;
        return new(
            new RotationTarget(
                mounted.Engine as IRotatesSecrets ?? MissingRotator.Instance,
                mounted.Mount.Path + id.Target,
                readPath.Length == 0 ? "" : mounted.Mount.Path + readPath
            )
        );
    }
}
