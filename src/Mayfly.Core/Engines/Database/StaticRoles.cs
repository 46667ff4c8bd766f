using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Engines.Database;

/// <summary>The static roles of a mount. Safe for concurrent use.</summary>
internal sealed class StaticRoles(View view)
{
    public const string Folder = "static-role/";
    public const string NotUnique = "Role and Static Role names must be unique";

    /// <summary>What the rotation of a role is called.</summary>
    public static string Target(string name) => $"static-roles/{name}";

    /// <summary>The name of the role whose rotation that is.</summary>
    public static string NameOf(SecretRotation rotation) => rotation.Target[(rotation.Target.IndexOf('/') + 1)..];

    /// <summary>The role of that name, or null.</summary>
    public async ValueTask<(StaticRole Role, long Version)?> FindAsync(string name, CancellationToken cancellation)
    {
        if (!ConfigName.IsUsable(name))
        {
            return null;
        }

        using var entry = await view.GetAsync(Folder + name, cancellation);
        return entry is null ? null : (StaticRole.Read(entry.Value.Memory), entry.Version);
    }

    /// <summary>Stores a role that was read with that version.</summary>
    public async ValueTask<CommitResult> SaveAsync(
        string name,
        StaticRole role,
        long expected,
        CancellationToken cancellation
    )
    {
        var batch = new Batch();
        Put(batch, name, role, expected);
        return await view.CommitAsync(batch, cancellation);
    }

    public void Put(Batch batch, string name, StaticRole role, long expected)
    {
        using var record = role.Write();
        view.Put(batch, Folder + name, record.Span, expectedVersion: expected);
    }
}
