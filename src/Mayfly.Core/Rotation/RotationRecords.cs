using Mayfly.Core.Storage;

namespace Mayfly.Core.Rotation;

/// <summary>The rotations in the store, each due when there is something to do. Safe for concurrent use.</summary>
internal sealed class RotationRecords(View view)
{
    /// <summary>A line for each rotation that waits, so that a start finds them without reading all.</summary>
    private const string Waiting = "waiting/";

    public View View => view;

    /// <summary>The record and its version, or null and 0.</summary>
    public async ValueTask<(RotationRecord? Record, long Version)> GetAsync(
        RotationId id,
        CancellationToken cancellation
    )
    {
        using var entry = await view.GetAsync(id.Path, cancellation);
        return entry is null ? (null, 0) : (RotationRecord.Decode(entry.Value), entry.Version);
    }

    /// <summary>Adds a write of the record to <paramref name="batch"/>.</summary>
    /// <param name="batch">Conflicts unless the record still has the version.</param>
    /// <param name="id">Which.</param>
    /// <param name="record">What it becomes.</param>
    /// <param name="version">The version that it was read with.</param>
    public void Put(Batch batch, RotationId id, RotationRecord record, long version)
    {
        view.Put(batch, id.Path, record.Encode(), record.Due()?.ToUnixTimeMilliseconds(), version);
        if (record.Step == RotationStep.Wait)
        {
            view.Put(batch, Waiting + id.Path, []);
        }
        else
        {
            view.Delete(batch, Waiting + id.Path);
        }
    }

    public void Delete(Batch batch, RotationId id, long? version = null)
    {
        view.Delete(batch, id.Path, version);
        view.Delete(batch, Waiting + id.Path);
    }

    public ValueTask<CommitResult> SaveAsync(
        RotationId id,
        RotationRecord record,
        long version,
        CancellationToken cancellation
    )
    {
        var batch = new Batch();
        Put(batch, id, record, version);
        return view.CommitAsync(batch, cancellation);
    }

    public ValueTask<CommitResult> RemoveAsync(RotationId id, long version, CancellationToken cancellation)
    {
        var batch = new Batch();
        Delete(batch, id, version);
        return view.CommitAsync(batch, cancellation);
    }

    /// <summary>The targets of a mount, or (for "") the names of the configured rotations, sorted.</summary>
    public async ValueTask<IReadOnlyList<string>> ListAsync(string mountUuid, CancellationToken cancellation)
    {
        var root = new RotationId(mountUuid, "").Path;
        var found = new List<string>();
        await WalkAsync(root, "", found, cancellation);
        found.Sort(StringComparer.Ordinal);
        return found;
    }

    /// <summary>The rotations that wait for consumers.</summary>
    public async ValueTask<IReadOnlyList<RotationId>> WaitingAsync(CancellationToken cancellation)
    {
        var found = new List<string>();
        await WalkAsync(Waiting, "", found, cancellation);
        return [.. found.Select(RotationId.From).OfType<RotationId>()];
    }

    /// <summary>All rotations there are.</summary>
    public async ValueTask<IReadOnlyList<RotationId>> AllAsync(CancellationToken cancellation)
    {
        var found = new List<RotationId>();
        foreach (var root in RotationId.Roots)
        {
            var names = new List<string>();
            await WalkAsync(root, "", names, cancellation);
            found.AddRange(names.Select(name => RotationId.From(root + name)).OfType<RotationId>());
        }

        return found;
    }

    private async ValueTask WalkAsync(string root, string folder, List<string> found, CancellationToken cancellation)
    {
        foreach (var name in await view.ListAsync(root + folder, cancellation))
        {
            if (name.EndsWith('/'))
            {
                await WalkAsync(root, folder + name, found, cancellation);
            }
            else
            {
                found.Add(folder + name);
            }
        }
    }
}
