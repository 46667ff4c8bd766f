using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Engines.Database;

/// <summary>
/// <c>rotate-root/NAME</c>: gives the user of the connection a password that only the server knows. The new password is
/// stored as pending before it is set, and becomes the password once it has been tried: whenever the server is killed, one
/// of the two that it knows is right, and the next that needs the database finds out which.
/// </summary>
internal sealed class RootRotation(View view, OpenConnections connections, PasswordSource passwords) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);

    public IReadOnlyList<PathEntry> Entries =>
        [
            new PathEntry("rotate-root/{name}")
            {
                Help = "Change the password of the connection's user; afterwards only the server knows it.",
                Fields = [ConnectionPaths.Name],
                Write = RotateAsync,
            },
        ];

    public void Dispose() => _one.Dispose();

    /// <summary>Finishes a rotation that was interrupted, or takes it back. Does nothing when there was none.</summary>
    public async ValueTask<Fault?> SettleAsync(string name, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            return await connections.FindAsync(name, cancellation) is { Config.PendingPassword.Length: > 0 } found
                ? await SettleAsync(name, found.Config, found.Version, cancellation)
                : null;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>The first step of a rotation by schedule: only looks whether there is something to rotate.</summary>
    public async ValueTask<Fault?> CreateAsync(string name, CancellationToken cancellation) =>
        await connections.FindAsync(name, cancellation) is null ? Fault.NotFound("the configuration is gone") : null;

    /// <summary>Changes the password, tries it and keeps it; a repetition changes it once more.</summary>
    public async ValueTask<Fault?> SetAsync(string name, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            return await RotateAsync(name, cancellation);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Proves that the password that is stored works.</summary>
    public async ValueTask<Fault?> TestAsync(string name, CancellationToken cancellation)
    {
        if (await SettleAsync(name, cancellation) is { } unsettled)
        {
            return unsettled;
        }

        if (await connections.FindAsync(name, cancellation) is not { Config: var config })
        {
            return Fault.NotFound("the configuration is gone");
        }

        var (accepted, fault) = await TryAsync(name, config, config.Password, cancellation);
        return fault ?? (accepted ? null : Fault.Invalid($"database {name}: the new password is not taken"));
    }

    private async ValueTask<Outcome> RotateAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        if (ConfigName.Problem(name) is { } unusable)
        {
            return unusable;
        }

        await _one.WaitAsync(cancellation);
        try
        {
            var fault = await RotateAsync(name, cancellation);
            return fault is null ? Outcome.Done : fault;
        }
        finally
        {
            _one.Release();
        }
    }

    private async ValueTask<Fault?> RotateAsync(string name, CancellationToken cancellation)
    {
        if (await connections.FindAsync(name, cancellation) is not { } found)
        {
            return Fault.Invalid($"failed to find entry for connection with name: \"{name}\"");
        }

        if (found.Config.PendingPassword.Length > 0)
        {
            if (await SettleAsync(name, found.Config, found.Version, cancellation) is { } unsettled)
            {
                return unsettled;
            }

            found = (await connections.FindAsync(name, cancellation))!.Value;
        }

        var config = found.Config;
        if (config.Username.Length == 0)
        {
            return Fault.Invalid("unable to rotate root credentials: no username in configuration");
        }

        if (config.Url.Length > 0 && !config.Url.Contains("{{password}}", StringComparison.Ordinal))
        {
            return Fault.Invalid(
                "unable to rotate root credentials: connection_url has to have {{username}} and {{password}} in it"
            );
        }

        var policy = config.PasswordPolicy.Length == 0 ? null : config.PasswordPolicy;
        var (password, fault) = await passwords(policy, cancellation);
        if (password is null)
        {
            return fault;
        }

        var pending = config with { PendingPassword = password };
        (var version, fault) = await StoreAsync(name, pending, found.Version, cancellation);
        if (fault is not null)
        {
            return fault;
        }

        // From here on the caller's going away must not leave it half done.
        return await SetAsync(name, pending, version, pending.Password, CancellationToken.None);
    }

    /// <summary>One of two passwords is right. Whichever it is, the pending one is set with it (again), and becomes the password.</summary>
    private async ValueTask<Fault?> SettleAsync(
        string name,
        ConnectionConfig config,
        long version,
        CancellationToken cancellation
    )
    {
        foreach (var candidate in (string[])[config.PendingPassword, config.Password])
        {
            var (accepted, fault) = await TryAsync(name, config, candidate, cancellation);
            if (fault is not null)
            {
                return fault;
            }

            if (accepted)
            {
                return await SetAsync(name, config, version, candidate, cancellation);
            }
        }

        return Fault.Unavailable(
            $"database {name}: neither the password nor the one that it was being changed to is taken; set password in the "
                + "configuration"
        );
    }

    /// <summary>Sets the pending password while logged in with <paramref name="current"/>, tries it, and keeps it if it works.</summary>
    private async ValueTask<Fault?> SetAsync(
        string name,
        ConnectionConfig config,
        long version,
        string current,
        CancellationToken cancellation
    )
    {
        var (connection, fault) = connections.Make(name, config with { Password = current, PendingPassword = "" });
        if (connection is null)
        {
            return fault;
        }

        try
        {
            var change = new PasswordChange(config.Username, config.PendingPassword, config.RootRotationStatements);
            fault = await connection.UseAsync(
                (database, limit) => database.SetPasswordAsync(change, limit),
                cancellation
            );
            if (fault is not null)
            {
                return fault.Kind == FaultKind.Unavailable
                    ? fault
                    : await TakeBackAsync(name, config, version, current, fault, cancellation);
            }

            var (accepted, unknown) = await TryAsync(name, config, config.PendingPassword, cancellation);
            if (unknown is not null)
            {
                return unknown;
            }

            if (!accepted)
            {
                var back = change with { Password = current };
                fault = await connection.UseAsync(
                    (database, limit) => database.SetPasswordAsync(back, limit),
                    cancellation
                );
                return fault
                    ?? await TakeBackAsync(
                        name,
                        config,
                        version,
                        current,
                        Fault.Invalid(
                            $"database {name}: the new password was set but is not taken; the old one is back"
                        ),
                        cancellation
                    );
            }
        }
        finally
        {
            await connection.CloseAsync();
        }

        var done = config with { Password = config.PendingPassword, PendingPassword = "" };
        return (await StoreAsync(name, done, version, cancellation)).Fault;
    }

    /// <summary>The change was refused, so the password is still the one that was used to try.</summary>
    private async ValueTask<Fault> TakeBackAsync(
        string name,
        ConnectionConfig config,
        long version,
        string current,
        Fault why,
        CancellationToken cancellation
    )
    {
        var old = config with { Password = current, PendingPassword = "" };
        return (await StoreAsync(name, old, version, cancellation)).Fault ?? why;
    }

    private async ValueTask<(bool Accepted, Fault? Fault)> TryAsync(
        string name,
        ConnectionConfig config,
        string password,
        CancellationToken cancellation
    )
    {
        var (connection, fault) = connections.Make(name, config);
        if (connection is null)
        {
            return (false, fault);
        }

        try
        {
            var accepted = false;
            fault = await connection.UseAsync(
                async (database, limit) =>
                {
                    (accepted, var problem) = await database.TryLoginAsync(config.Username, password, limit);
                    return problem;
                },
                cancellation
            );
            return (accepted, fault);
        }
        finally
        {
            await connection.CloseAsync();
        }
    }

    private async ValueTask<(long Version, Fault? Fault)> StoreAsync(
        string name,
        ConnectionConfig config,
        long expected,
        CancellationToken cancellation
    )
    {
        using var record = config.Write();
        var result = await view.PutAsync(OpenConnections.Folder + name, record.Span, cancellation, expected);
        return result.Succeeded ? (result.Sequence, null) : (0, Fault.From(result));
    }
}
