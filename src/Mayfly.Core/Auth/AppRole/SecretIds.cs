using System.Net;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Crypto;

namespace Mayfly.Core.Auth.AppRole;

/// <summary>
/// Where secret-ids are kept: in the folder of their role, each under its accessor, never the secret-id itself. Safe for
/// concurrent use.
/// </summary>
internal sealed class SecretIds(View view, RoleStore roles, TimeProvider time)
{
    /// <summary>The folder that holds the roles' folders.</summary>
    public const string Folder = "secret/";

    private const int Tries = 64;

    // Uses of one secret-id are counted one after the other; without waiting in line they would only fail each other's
    // precondition. The precondition still decides.
    private readonly SemaphoreSlim[] _lines = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1, 1))];

    public ValueTask<IReadOnlyList<string>> AccessorsAsync(Role role, CancellationToken cancellation) =>
        view.ListAsync(FolderOf(role), cancellation);

    /// <summary>The secret-id with this accessor, or null when there is none or it has expired.</summary>
    public async ValueTask<SecretId?> FindAsync(Role role, string accessor, CancellationToken cancellation) =>
        await ReadAsync(role, accessor, cancellation) is { } found ? found.SecretId : null;

    /// <summary>Saves a new secret-id, provided that the role is still as <paramref name="role"/> has it.</summary>
    public async ValueTask<CommitResult> AddAsync(
        StoredRole role,
        string accessor,
        SecretId secretId,
        CancellationToken cancellation
    )
    {
        var path = PathOf(role.Role, accessor);
        using var old = await view.GetAsync(path, cancellation);
        if (old is not null && !SecretId.Read(old.Value.Memory).IsExpired(time.GetUtcNow()))
        {
            return CommitResult.Conflict();
        }

        var batch = new Batch();
        using var plaintext = secretId.Write();
        view.Put(batch, path, plaintext.Span, secretId.Due, old?.Version ?? 0);
        roles.Expect(batch, role);
        return await view.CommitAsync(batch, cancellation);
    }

    public ValueTask<CommitResult> RemoveAsync(Role role, string accessor, CancellationToken cancellation) =>
        view.DeleteAsync(PathOf(role, accessor), cancellation);

    /// <summary>Removes all secret-ids of a role that is gone.</summary>
    public ValueTask<CommitResult> RemoveAllAsync(Role role, CancellationToken cancellation) =>
        view.DeleteTreeAsync(FolderOf(role), cancellation);

    /// <summary>
    /// Checks a secret-id for a login from <paramref name="address"/>, and counts the use where uses are limited: the
    /// count is durable before this returns, so however many come at once, no use is given twice.
    /// </summary>
    public async ValueTask<(SecretId? SecretId, Fault? Fault)> UseAsync(
        Role role,
        string accessor,
        IPAddress address,
        CancellationToken cancellation
    )
    {
        var (found, fault) = await CheckAsync(role, accessor, address, cancellation);
        if (fault is not null || found!.SecretId.UsesLeft == 0)
        {
            return (found?.SecretId, fault);
        }

        var line = _lines[(accessor[0] * 16 + accessor[1]) % _lines.Length];
        if (!await line.WaitAsync(TimeSpan.FromSeconds(30), cancellation))
        {
            return (null, Fault.Throttled("too many logins with this secret-id at once; try again"));
        }

        try
        {
            return await CountAsync(role, accessor, address, cancellation);
        }
        finally
        {
            line.Release();
        }
    }

    /// <summary>The fault that <paramref name="address"/> may not log in, or null.</summary>
    public static Fault? WrongAddress(Role role, SecretId? secretId, IPAddress address) =>
        secretId is not null && !Cidr.Allows(secretId.CidrList, address)
            ? Fault.Invalid($"source address \"{address}\" unauthorized through CIDR restrictions on the secret ID")
        : !Cidr.Allows(role.SecretIdBoundCidrs, address)
            ? Fault.Invalid($"source address \"{address}\" unauthorized by CIDR restrictions on the role")
        : null;

    /// <summary>Removes the record at <paramref name="path"/> if its time is over.</summary>
    public async ValueTask RemoveExpiredAsync(string path, CancellationToken cancellation)
    {
        using var entry = await view.GetAsync(path, cancellation);
        if (entry is not null && SecretId.Read(entry.Value.Memory).IsExpired(time.GetUtcNow()))
        {
            var batch = new Batch();
            view.Delete(batch, path, entry.Version);

            // Changed or unwritable: it is still due, and comes again.
            _ = await view.CommitAsync(batch, cancellation);
        }
    }

    /// <summary>The accessor in the form that records have, or null when it can be none.</summary>
    public static string? Accessor(string text) =>
        Guid.TryParseExact(text.Trim(), "D", out var guid) ? guid.ToString() : null;

    private async ValueTask<(SecretId? SecretId, Fault? Fault)> CountAsync(
        Role role,
        string accessor,
        IPAddress address,
        CancellationToken cancellation
    )
    {
        for (var i = 0; i < Tries; i++)
        {
            var (found, fault) = await CheckAsync(role, accessor, address, cancellation);
            if (fault is not null)
            {
                return (null, fault);
            }

            var batch = new Batch();
            var path = PathOf(role, accessor);
            if (found!.SecretId.UsesLeft == 1)
            {
                view.Delete(batch, path, found.Version);
            }
            else
            {
                var next = found.SecretId with { UsesLeft = found.SecretId.UsesLeft - 1, UpdatedAt = time.GetUtcNow() };
                using var plaintext = next.Write();
                view.Put(batch, path, plaintext.Span, next.Due, found.Version);
            }

            var result = await view.CommitAsync(batch, cancellation);
            if (result.Succeeded)
            {
                return (found.SecretId, null);
            }

            if (result.Status != CommitStatus.Conflict)
            {
                return (null, Fault.From(result));
            }
        }

        return (null, Fault.Throttled("too many logins with this secret-id at once; try again"));
    }

    private async ValueTask<(Found? Found, Fault? Fault)> CheckAsync(
        Role role,
        string accessor,
        IPAddress address,
        CancellationToken cancellation
    )
    {
        if (await ReadAsync(role, accessor, cancellation) is not { } found)
        {
            return (null, Fault.Invalid(AppRoleAuth.InvalidLogin));
        }

        // Before a use is counted: somebody at the wrong address must not use up another's secret-id.
        return WrongAddress(role, found.SecretId, address) is { } fault ? (null, fault) : (found, null);
    }

    private async ValueTask<Found?> ReadAsync(Role role, string accessor, CancellationToken cancellation)
    {
        using var entry = await view.GetAsync(PathOf(role, accessor), cancellation);
        if (entry is null)
        {
            return null;
        }

        var secretId = SecretId.Read(entry.Value.Memory);
        return secretId.IsExpired(time.GetUtcNow()) ? null : new Found(secretId, entry.Version);
    }

    private static string FolderOf(Role role) => $"{Folder}{role.Folder}/";

    private static string PathOf(Role role, string accessor) => $"{Folder}{role.Folder}/{accessor}";

    private sealed record Found(SecretId SecretId, long Version);
}
