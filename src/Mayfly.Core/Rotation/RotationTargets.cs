using Mayfly.Core.Engines;
using Mayfly.Core.Events;
using Mayfly.Core.Mounts;

namespace Mayfly.Core.Rotation;

/// <summary>Finds what a rotation works on: an engine's secret, or one that is rotated by a webhook.</summary>
internal sealed class RotationTargets(MountRegistry mounts, IRotatesSecrets webhook, EventBus events)
{
    /// <summary>The target, or null when it is gone for good: its mount has been removed.</summary>
    public ValueTask<RotationTarget?> FindAsync(RotationId id, RotationRecord record, CancellationToken cancellation)
    {
        var readPath = record.Terms.ReadPath;
        if (id.IsNamed)
        {
            var read = mounts.Table.Route(readPath)?.Mount;
            return new(
                new RotationTarget(
                    webhook,
                    id.Target,
                    readPath,
                    read is null ? EventSource.Silent : events.SourceOf(read),
                    read is null ? "" : readPath[read.Path.Length..]
                )
            );
        }

        if (mounts.Table.Of(id.MountUuid) is not { Mount: var mount } mounted)
        {
            return new((RotationTarget?)null);
        }

        return new(
            new RotationTarget(
                mounted.Engine as IRotatesSecrets ?? MissingRotator.Instance,
                mount.Path + id.Target,
                readPath.Length == 0 ? "" : mount.Path + readPath,
                events.SourceOf(mount),
                readPath
            )
        );
    }
}
