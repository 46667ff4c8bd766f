using System.Text;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Auth.AppRole;

/// <summary>
/// Where roles are kept: the record under its role id, so that a login finds it in one read, and an index from the name.
/// Both are always written together. Safe for concurrent use.
/// </summary>
internal sealed class RoleStore(View view)
{
    private const string ByRoleId = "role/";
    private const string ByName = "name/";

    /// <summary>The names of all roles.</summary>
    public ValueTask<IReadOnlyList<string>> ListAsync(CancellationToken cancellation) =>
        view.ListAsync(ByName, cancellation);

    /// <summary>The role that has this role id, or null.</summary>
    public ValueTask<StoredRole?> FindByRoleIdAsync(string roleId, CancellationToken cancellation) =>
        ReadAsync(Role.AddressOf(roleId), 0, cancellation);

    /// <summary>The role of that name (in lower case), or null.</summary>
    public async ValueTask<StoredRole?> FindAsync(string name, CancellationToken cancellation)
    {
        // The index and the record are read one after the other: when the role id changes in between, look again.
        for (var attempt = 0; attempt < 8; attempt++)
        {
            if (await IndexAsync(name, cancellation) is not { } index)
            {
                return null;
            }

            if (await ReadAsync(index.Address, index.Version, cancellation) is { } found && found.Role.Name == name)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>Whether there is a role of that name.</summary>
    public async ValueTask<bool> ExistsAsync(string name, CancellationToken cancellation) =>
        await IndexAsync(name, cancellation) is not null;

    /// <summary>The folders of all roles' secret-ids.</summary>
    public async ValueTask<IReadOnlySet<string>> FoldersAsync(CancellationToken cancellation)
    {
        var folders = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in await ListAsync(cancellation))
        {
            if (await IndexAsync(name, cancellation) is { } index)
            {
                folders.Add(index.Folder);
            }
        }

        return folders;
    }

    /// <summary>Writes <paramref name="role"/>, unless it was changed since <paramref name="previous"/> was read.</summary>
    public async ValueTask<Outcome> SaveAsync(StoredRole? previous, Role role, CancellationToken cancellation)
    {
        var batch = new Batch();
        var address = Role.AddressOf(role.RoleId);
        using var plaintext = role.Write();
        if (previous is not null && previous.Role.RoleId == role.RoleId)
        {
            view.Put(batch, ByRoleId + address, plaintext.Span, due: null, previous.Version);
            return Outcome.From(await view.CommitAsync(batch, cancellation));
        }

        if (await FindByRoleIdAsync(role.RoleId, cancellation) is not null)
        {
            return Fault.Invalid("role_id already in use");
        }

        if (previous is not null)
        {
            view.Delete(batch, ByRoleId + Role.AddressOf(previous.Role.RoleId), previous.Version);
        }

        view.Put(batch, ByRoleId + address, plaintext.Span, due: null, expectedVersion: 0);
        var index = Encoding.UTF8.GetBytes($"{address} {role.Folder}");
        view.Put(batch, ByName + role.Name, index, due: null, previous?.IndexVersion ?? 0);
        return Outcome.From(await view.CommitAsync(batch, cancellation));
    }

    public ValueTask<CommitResult> DeleteAsync(StoredRole role, CancellationToken cancellation)
    {
        var batch = new Batch();
        view.Delete(batch, ByRoleId + Role.AddressOf(role.Role.RoleId), role.Version);
        view.Delete(batch, ByName + role.Role.Name, role.IndexVersion);
        return view.CommitAsync(batch, cancellation);
    }

    /// <summary>Makes a commit depend on the role being as it was read.</summary>
    public void Expect(Batch batch, StoredRole role) =>
        view.Expect(batch, ByRoleId + Role.AddressOf(role.Role.RoleId), role.Version);

    private async ValueTask<StoredRole?> ReadAsync(string address, long indexVersion, CancellationToken cancellation)
    {
        using var entry = await view.GetAsync(ByRoleId + address, cancellation);
        return entry is null ? null : new StoredRole(Role.Read(entry.Value.Memory), entry.Version, indexVersion);
    }

    private async ValueTask<Index?> IndexAsync(string name, CancellationToken cancellation)
    {
        using var entry = await view.GetAsync(ByName + name, cancellation);
        if (entry is null)
        {
            return null;
        }

        var parts = Encoding.UTF8.GetString(entry.Value.Span).Split(' ');
        return new Index(parts[0], parts[1], entry.Version);
    }

    private sealed record Index(string Address, string Folder, long Version);
}

/// <summary>A role as it was read, with what a write that depends on it expects.</summary>
/// <param name="Role">The role.</param>
/// <param name="Version">Of its record.</param>
/// <param name="IndexVersion">Of its name's entry; 0 when it was found by role id.</param>
internal sealed record StoredRole(Role Role, long Version, long IndexVersion);
