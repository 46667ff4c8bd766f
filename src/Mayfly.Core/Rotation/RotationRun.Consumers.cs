using Mayfly.Core.Consumers;
using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Rotation;

/// <content>The wait for consumers.</content>
internal sealed partial class RotationRun
{
    /// <summary>How many names of consumers a message has.</summary>
    private const int NamesShown = 5;

    /// <summary>
    /// With two credentials the new one is on offer to those who say who they are, until all of them hold it; with one, they
    /// acknowledge that they have let go.
    /// </summary>
    private async ValueTask<RotationRecord?> WaitAsync(RotationRecord record, CancellationToken cancellation)
    {
        var attempt = record.Attempt!;
        var now = Now;
        var since = attempt.WaitingSince ?? now;
        var limit = since + record.Terms.ConsumerWait;
        var behind = Behind(record);
        if (attempt.Emergency || !Waits(record) || (behind.Count == 0 && now >= context.Consumers.KnownFrom))
        {
            return await GoOnAsync(record);
        }

        if (now >= limit)
        {
            if (behind.Count == 0 || record.Terms.LateConsumers == LateConsumers.Proceed)
            {
                return await GoOnAsync(record);
            }

            var names = string.Join(", ", behind.Take(NamesShown));
            var more = behind.Count > NamesShown ? $" and {behind.Count - NamesShown} more" : "";
            return await AuditAsync(record)
                ?? Failed(
                    record,
                    Fault.Unavailable(
                        $"{behind.Count} consumers were still behind after {record.Terms.ConsumerWait}: {names}{more}"
                    )
                );
        }

        Offer(record);
        var again = context
            .Consumers.BehindOf(_target.ReadPath, attempt.Version)
            .Where(consumer => record.Awaits(consumer.Name))
            .Select(consumer => consumer.Seen + ConsumerBook.Lifetime)
            .Append(now < context.Consumers.KnownFrom ? context.Consumers.KnownFrom : limit)
            .Append(limit)
            .Min();
        return attempt.WaitingSince is not null && record.LookAgain > now && record.LookAgain <= again
            ? record
            : record with
            {
                Attempt = attempt with { WaitingSince = since },
                LookAgain = again,
                Awaited = behind,
            };

        async ValueTask<RotationRecord?> GoOnAsync(RotationRecord waiting) =>
            await AuditAsync(waiting)
            ?? waiting with
            {
                Step = waiting.Terms.Mode == RotationMode.Coordinated ? RotationStep.Set : RotationStep.Promote,
                LookAgain = null,
                Awaited = [],
            };
    }

    private bool Waits(RotationRecord record) =>
        record.Terms.ConsumerWait > TimeSpan.Zero
        && !record.Attempt!.IsFirst
        && record.Terms.Mode != RotationMode.Atomic
        && _target.ReadPath.Length > 0;

    /// <summary>
    /// Who does not hold the new version. After a start those count, too, who were behind before it, until they have been heard
    /// of or must be gone.
    /// </summary>
    private List<string> Behind(RotationRecord record)
    {
        var version = record.Attempt!.Version;
        var live = context.Consumers.Of(_target.ReadPath);
        var behind = live.Where(consumer => !consumer.Holds(version)).Select(consumer => consumer.Name).ToHashSet();
        if (Now < context.Consumers.KnownFrom)
        {
            behind.UnionWith(record.Awaited.Except(live.Select(consumer => consumer.Name), StringComparer.Ordinal));
        }

        return [.. behind.Where(record.Awaits).Order(StringComparer.Ordinal)];
    }

    private void Offer(RotationRecord record)
    {
        var rotation = RotationOf(record);
        var rotator = _target.Rotator;
        context.Consumers.Offer(
            _target.ReadPath,
            rotation.Version,
            record.Terms.Mode == RotationMode.DualCredential
                ? cancellation => rotator.ReadNextAsync(rotation, cancellation)
                : null,
            wake
        );
    }
}
