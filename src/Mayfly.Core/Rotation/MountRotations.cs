using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Rotation;

/// <summary>The rotations of one mount, as its engine sees them.</summary>
internal sealed class MountRotations(Rotations rotations, string uuid) : IRotations
{
    public async ValueTask PutAsync(Batch batch, string target, RotationTerms terms, CancellationToken cancellation)
    {
        var id = IdOf(target);
        var (record, version) = await rotations.Records.GetAsync(id, cancellation);
        var now = rotations.Time.GetUtcNow();
        var next = record is null
            ? new RotationRecord { Terms = terms, NextRotation = terms.Schedule.After(now) }
            : record.Under(terms, now);
        rotations.Records.Put(batch, id, next, version);
    }

    public async ValueTask DeleteAsync(Batch batch, string target, CancellationToken cancellation)
    {
        var id = IdOf(target);
        var (record, version) = await rotations.Records.GetAsync(id, cancellation);
        if (record is not null)
        {
            rotations.Records.Delete(batch, id, version);
        }
    }

    public async ValueTask<RotationTimes?> TimesAsync(string target, CancellationToken cancellation)
    {
        var (record, _) = await rotations.Records.GetAsync(IdOf(target), cancellation);
        return record is null
            ? null
            : new RotationTimes(record.LastRotation, record.NextRotation, record.IsUnderWay, record.LastError);
    }

    public async ValueTask<Fault?> RotateAsync(
        string target,
        string reason,
        CancellationToken cancellation,
        bool isFirst = false
    )
    {
        var request = new RotationRequest(rotations.Time.GetUtcNow(), reason, Emergency: false, isFirst);
        return (await rotations.RotateAsync(IdOf(target), request, cancellation)).Fault;
    }

    private RotationId IdOf(string target) => new(uuid, target);
}
