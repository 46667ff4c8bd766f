using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary>
/// The steps of rotating a static role's password. With two users the one that is not current gets a new password and becomes
/// current; with one, its password changes under those who use it. Every step can be repeated.
/// </summary>
internal sealed class StaticRotation(StaticRoles roles, OpenConnections connections, PasswordSource passwords)
{
    public async ValueTask<Fault?> CreateAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        if (await FindAsync(rotation, cancellation) is not { } found)
        {
            return Fault.NotFound("the static role is gone");
        }

        if (found.Role.Next?.Version == rotation.Version || found.Role.Current?.Version == rotation.Version)
        {
            return null;
        }

        if (await connections.FindAsync(found.Role.Database, cancellation) is not { Config: var config })
        {
            return Fault.Invalid($"there is no configured database called {found.Role.Database}");
        }

        var (password, fault) = await passwords(found.Role.PolicyOver(config), cancellation);
        return password is null
            ? fault
            : await SaveAsync(
                rotation,
                found.Role with
                {
                    Next = new StaticCredential(found.Role.NextUser, password, rotation.Version),
                },
                found.Version,
                cancellation
            );
    }

    public async ValueTask<Fault?> SetAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        var (role, next, fault) = await NextAsync(rotation, cancellation);
        return next is null ? fault : await SetAsync(role!, next, cancellation);
    }

    public async ValueTask<Fault?> TestAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        var (role, next, fault) = await NextAsync(rotation, cancellation);
        return next is null
            ? fault
            : await TryAsync(role!, next, "the new password was set but is not taken", cancellation);
    }

    public async ValueTask<Outcome> ReadNextAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        var (role, next, fault) = await NextAsync(rotation, cancellation);
        return next is null ? fault! : StaticReply.Of(role!, next, rotation.StartedAt, TimeSpan.Zero);
    }

    public async ValueTask<Fault?> PromoteAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        if (await FindAsync(rotation, cancellation) is not { } found)
        {
            return Fault.NotFound("the static role is gone");
        }

        if (found.Role.Current?.Version == rotation.Version)
        {
            return null;
        }

        return found.Role.Next is { } next && next.Version == rotation.Version
            ? await SaveAsync(
                rotation,
                found.Role with
                {
                    Current = next,
                    Next = null,
                    Previous = found.Role.Current,
                },
                found.Version,
                cancellation
            )
            : Fault.Invalid("the new password is not there");
    }

    public async ValueTask<Fault?> RetireAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        if (
            await FindAsync(rotation, cancellation) is not { } found
            || found.Role.Current?.Version != rotation.Version
            || found.Role.Previous is not { } old
        )
        {
            return null;
        }

        var (connection, fault) = await connections.GetAsync(found.Role.Database, cancellation);
        if (connection is null)
        {
            return fault;
        }

        if (old.User != found.Role.Current.User)
        {
            (var nobodys, fault) = await passwords(found.Role.PolicyOver(connection.Config), cancellation);
            fault = nobodys is null ? fault : await SetAsync(found.Role, old with { Password = nobodys }, cancellation);
        }

        // With one user its new sessions end as well, and come back: only when the old password was in the wrong hands.
        if (fault is null && (old.User != found.Role.Current.User || rotation.Emergency))
        {
            fault = await connection.UseAsync(
                (database, limit) => database.EndSessionsAsync(old.User, limit),
                cancellation
            );
        }

        return fault ?? await SaveAsync(rotation, found.Role with { Previous = null }, found.Version, cancellation);
    }

    public async ValueTask<Fault?> RevertAsync(SecretRotation rotation, CancellationToken cancellation)
    {
        if (await FindAsync(rotation, cancellation) is not { } found || found.Role.Next?.Version != rotation.Version)
        {
            return null;
        }

        if (found.Role is { Current: { } current, Next: { } next } && current.User == next.User)
        {
            var fault =
                await SetAsync(found.Role, current, cancellation)
                ?? await TryAsync(
                    found.Role,
                    current,
                    "the previous password was set again but is not taken",
                    cancellation
                );
            if (fault is not null)
            {
                return fault;
            }
        }

        return await SaveAsync(rotation, found.Role with { Next = null }, found.Version, cancellation);
    }

    private ValueTask<(StaticRole Role, long Version)?> FindAsync(
        SecretRotation rotation,
        CancellationToken cancellation
    ) => roles.FindAsync(StaticRoles.NameOf(rotation), cancellation);

    /// <summary>What the rotation has made, which is current already when a step is repeated after the promotion.</summary>
    private async ValueTask<(StaticRole? Role, StaticCredential? Next, Fault? Fault)> NextAsync(
        SecretRotation rotation,
        CancellationToken cancellation
    )
    {
        if (await FindAsync(rotation, cancellation) is not { Role: var role })
        {
            return (null, null, Fault.NotFound("the static role is gone"));
        }

        var next =
            role.Next?.Version == rotation.Version ? role.Next
            : role.Current?.Version == rotation.Version ? role.Current
            : null;
        return next is null ? (role, null, Fault.Invalid("the new password is not there")) : (role, next, null);
    }

    private async ValueTask<Fault?> SetAsync(
        StaticRole role,
        StaticCredential credential,
        CancellationToken cancellation
    )
    {
        var (connection, fault) = await connections.GetAsync(role.Database, cancellation);
        var change = new PasswordChange(credential.User, credential.Password, role.RotationStatements);
        return connection is null
            ? fault
            : await connection.UseAsync((database, limit) => database.SetPasswordAsync(change, limit), cancellation);
    }

    private async ValueTask<Fault?> TryAsync(
        StaticRole role,
        StaticCredential credential,
        string refusal,
        CancellationToken cancellation
    )
    {
        var (connection, fault) = await connections.GetAsync(role.Database, cancellation);
        return connection is null
            ? fault
            : await connection.UseAsync(
                async (database, limit) =>
                {
                    var (accepted, problem) = await database.TryLoginAsync(credential.User, credential.Password, limit);
                    return problem ?? (accepted ? null : Fault.Invalid($"user {credential.User}: {refusal}"));
                },
                cancellation
            );
    }

    private async ValueTask<Fault?> SaveAsync(
        SecretRotation rotation,
        StaticRole role,
        long version,
        CancellationToken cancellation
    )
    {
        var result = await roles.SaveAsync(StaticRoles.NameOf(rotation), role, version, cancellation);
        return result.Succeeded ? null : Fault.From(result);
    }
}
