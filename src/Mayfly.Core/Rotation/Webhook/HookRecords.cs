using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Rotation.Webhook;

/// <summary>What is stored for rotations by webhook: settings, and versions that are not promoted. Safe for concurrent use.</summary>
internal sealed class HookRecords(View view)
{
    public async ValueTask<HookSettings?> SettingsAsync(string name, CancellationToken cancellation)
    {
        using var entry = await view.GetAsync(SettingsPath(name), cancellation);
        return entry is null ? null : HookSettings.Decode(entry.Value);
    }

    public void Put(Batch batch, string name, HookSettings settings) =>
        view.Put(batch, SettingsPath(name), settings.Encode());

    public void Delete(Batch batch, string name)
    {
        view.Delete(batch, SettingsPath(name));
        view.Delete(batch, StagedPath(name));
    }

    /// <summary>The staged versions and the record's version; an empty one and 0 where nothing is staged.</summary>
    public async ValueTask<(StagedSecret Staged, long Version)> StagedAsync(string name, CancellationToken cancellation)
    {
        using var entry = await view.GetAsync(StagedPath(name), cancellation);
        return entry is null ? (new StagedSecret(), 0) : (StagedSecret.Decode(entry.Value), entry.Version);
    }

    /// <summary>Changes what is staged; a fault of <paramref name="change"/> leaves it as it is.</summary>
    public async ValueTask<(StagedSecret? Staged, Fault? Fault)> ChangeAsync(
        string name,
        Func<StagedSecret, (StagedSecret? Staged, Fault? Fault)> change,
        CancellationToken cancellation
    )
    {
        while (true)
        {
            var (staged, version) = await StagedAsync(name, cancellation);
            var (changed, fault) = change(staged);
            if (changed is null || ReferenceEquals(changed, staged))
            {
                return (changed, fault);
            }

            var result = await view.PutAsync(StagedPath(name), changed.Encode(), cancellation, version);
            if (result.Status != CommitStatus.Conflict)
            {
                return result.Succeeded ? (changed, null) : (null, Fault.From(result));
            }
        }
    }

    public ValueTask<(StagedSecret? Staged, Fault? Fault)> ChangeAsync(
        string name,
        Func<StagedSecret, StagedSecret> change,
        CancellationToken cancellation
    ) => ChangeAsync(name, staged => (change(staged), null), cancellation);

    private static string SettingsPath(string name) => $"settings/{name}";

    private static string StagedPath(string name) => $"staged/{name}";
}
