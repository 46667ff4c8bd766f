using Mayfly.Core.Pipeline;
using Npgsql;

namespace Mayfly.Core.Engines.Database.PostgreSql;

/// <summary>
/// Removes a user so that nothing of it goes on: no new login, no open session, nothing owned and no right left in any
/// database of the server, and then no user. Where it cannot go all the way, the user is left unable to log in, and the
/// fault says what is in the way.
/// </summary>
internal sealed class PostgresRemoval(PostgresDatabase database)
{
    private const string EndSessionsSql = """
        SELECT a.pid, pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.usesysid = $1 AND a.pid <> pg_backend_pid()
        """;

    /// <summary>A lock that another session holds must not keep the server waiting.</summary>
    private const string ShortWait = "SET LOCAL lock_timeout = '10s'";

    private readonly PostgresSessions _sessions = database.Sessions;

    public async ValueTask<Fault?> RunAsync(UserRemoval removal, CancellationToken cancellation)
    {
        var (template, fault) = PostgresStatements.Revocation(removal.Statements);
        if (template is null)
        {
            return fault;
        }

        (var statements, fault) = template.Render(new(removal.Name));
        if (statements is null)
        {
            return fault;
        }

        try
        {
            return await _sessions.AgainAfterLossAsync(
                () => RemoveAsync(removal, statements, cancellation),
                cancellation
            );
        }
        catch (Exception e) when (e is NpgsqlException || PostgresFaults.IsLoss(e))
        {
            return PostgresFaults.From(e);
        }
    }

    /// <summary>Ends the sessions of a user, and waits until they are gone.</summary>
    public async ValueTask<Fault?> EndSessionsAsync(string name, CancellationToken cancellation)
    {
        try
        {
            return await _sessions.AgainAfterLossAsync<Fault?>(
                async () =>
                {
                    if (await _sessions.FindAsync(name, cancellation) is { } user)
                    {
                        await EndAsync(user, cancellation);
                    }

                    return null;
                },
                cancellation
            );
        }
        catch (Exception e) when (e is NpgsqlException || PostgresFaults.IsLoss(e))
        {
            return PostgresFaults.From(e);
        }
    }

    private async ValueTask EndAsync(PostgresUser user, CancellationToken cancellation)
    {
        await using var command = _sessions.Command(EndSessionsSql);
        command.Parameters.Add(new NpgsqlParameter { Value = user.Oid, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
        await PostgresSessions.UntilNoneAsync(command, cancellation);
    }

    private async ValueTask<Fault?> RemoveAsync(
        UserRemoval removal,
        IReadOnlyList<string> statements,
        CancellationToken cancellation
    )
    {
        await _sessions.SettleAsync(cancellation);
        if (await _sessions.FindAsync(removal.Name, cancellation) is not { } user)
        {
            return null;
        }

        if (statements.Count == 0 && user is { Owns: false, Sessions: 0, Elsewhere.Count: 0, BySuperuser: true })
        {
            return await DropAtOnceAsync(removal, user, cancellation);
        }

        await BlockAsync(removal, user, cancellation);
        return statements.Count > 0
            ? await OwnWayAsync(statements, cancellation)
            : await DropAsync(removal, cancellation);
    }

    /// <summary>
    /// The common case, in one transaction: a user without sessions that owns nothing. Whoever logged in meanwhile is
    /// thrown out once the user is gone, when nobody can log in any more.
    /// </summary>
    private async ValueTask<Fault?> DropAtOnceAsync(
        UserRemoval removal,
        PostgresUser user,
        CancellationToken cancellation
    )
    {
        var name = PostgresDatabase.Identifier(user.Name);
        string[] statements = user.HasRights
            ? ["BEGIN", ShortWait, $"DROP OWNED BY {name}", $"DROP ROLE {name}", "COMMIT"]
            : ["BEGIN", $"DROP ROLE {name}", "COMMIT"];
        string[] all = removal.KeepsSessions
            ? statements
            :
            [
                .. statements,
                $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid = {user.Oid}::oid",
            ];
        var done = await database.InTurnAsync(user.HasRights, () => TryDropAsync(all, cancellation), cancellation);
        if (done)
        {
            return null;
        }

        await BlockAsync(removal, user, cancellation);
        return await DropAsync(removal, cancellation);
    }

    /// <returns>Whether it is gone; false when it has got something meanwhile that is in the way.</returns>
    private async ValueTask<bool> TryDropAsync(string[] statements, CancellationToken cancellation)
    {
        try
        {
            await _sessions.BatchAsync(statements, cancellation);
            return true;
        }
        catch (PostgresException e) when (e.SqlState == PostgresFaults.UndefinedObject)
        {
            return true;
        }
        catch (PostgresException e) when (IsInTheWay(e))
        {
            return false;
        }
    }

    private static bool IsInTheWay(PostgresException e) =>
        PostgresFaults.IsConflict(e)
        || e.SqlState
            is PostgresFaults.DependentObjects
                or PostgresFaults.ObjectInUse
                or PostgresFaults.LockNotAvailable;

    /// <summary>No new login from now on, and no session left.</summary>
    private async ValueTask BlockAsync(UserRemoval removal, PostgresUser user, CancellationToken cancellation)
    {
        var name = PostgresDatabase.Identifier(user.Name);
        // Without superuser's rights, only a member may end its sessions and change what it owns.
        string[] statements = user.BySuperuser
            ? [$"ALTER ROLE {name} NOLOGIN"]
            : [$"ALTER ROLE {name} NOLOGIN", $"GRANT {name} TO CURRENT_USER"];
        await database.RetryAsync(statements, cancellation);
        if (!removal.KeepsSessions)
        {
            await EndAsync(user, cancellation);
        }
    }

    private async ValueTask<Fault?> OwnWayAsync(IReadOnlyList<string> statements, CancellationToken cancellation)
    {
        await database.InTurnAsync(
            rights: true,
            async () =>
            {
                await database.RetryAsync([ShortWait, .. statements], cancellation);
                return true;
            },
            cancellation
        );
        return null;
    }

    private async ValueTask<Fault?> DropAsync(UserRemoval removal, CancellationToken cancellation)
    {
        if (await _sessions.FindAsync(removal.Name, cancellation) is not { } user)
        {
            return null;
        }

        foreach (var other in user.Elsewhere)
        {
            var (source, fault) = database.SourceOf(other);
            if (source is null)
            {
                return fault;
            }

            await using (source)
            {
                if (await EmptyAsync(removal, source, other, cancellation) is { } problem)
                {
                    return problem;
                }
            }
        }

        return await EmptyAsync(removal, source: null, "", cancellation)
            ?? await RightsAsync(
                null,
                [$"DROP ROLE IF EXISTS {PostgresDatabase.Identifier(removal.Name)}"],
                cancellation
            );
    }

    /// <summary>Takes from the user what it owns and may in one database.</summary>
    /// <param name="removal">Which user, and how.</param>
    /// <param name="source">The database; null for that of the connection.</param>
    /// <param name="called">The database's name for the message.</param>
    /// <param name="cancellation">Ends the wait.</param>
    private async ValueTask<Fault?> EmptyAsync(
        UserRemoval removal,
        NpgsqlDataSource? source,
        string called,
        CancellationToken cancellation
    )
    {
        var name = PostgresDatabase.Identifier(removal.Name);
        var target = removal.ReassignTo.Length == 0 ? "CURRENT_USER" : PostgresDatabase.Identifier(removal.ReassignTo);
        var where = called.Length == 0 ? "" : $" in database {called}";
        var owned = await PostgresOwned.LookAsync(source, _sessions, removal, cancellation);
        if (removal.Owned == OwnedObjects.Refuse && owned.Count > 0)
        {
            return Fault.Invalid(
                $"{removal.Name} owns {owned.Shown}{where}, and the role's owned_objects is \"refuse\"; it can no longer log "
                    + "in. Give these to another user or drop them, and revoke the lease again"
            );
        }

        if (removal.Owned == OwnedObjects.Reassign && owned.Unsafe.Length > 0)
        {
            return Fault.Invalid(
                $"{removal.Name} owns what would run code with the rights of a superuser, or of one who makes users, if that got it: "
                    + $"{owned.Unsafe}{where}. "
                    + "It can no longer log in. Set reassign_to of the role to a user with fewer rights, or its owned_objects "
                    + "to \"drop\", and revoke the lease again"
            );
        }

        string[] statements =
            removal.Owned == OwnedObjects.Reassign && owned.Count > 0
                ? [$"REASSIGN OWNED BY {name} TO {target}", $"DROP OWNED BY {name}"]
                : [$"DROP OWNED BY {name}"];
        return await RightsAsync(source, statements, cancellation);
    }

    private async ValueTask<Fault?> RightsAsync(
        NpgsqlDataSource? source,
        string[] statements,
        CancellationToken cancellation
    ) =>
        await database.InTurnAsync<Fault?>(
            rights: true,
            async () =>
            {
                if (source is null)
                {
                    await database.RetryAsync([ShortWait, .. statements], cancellation);
                    return null;
                }

                await using var connection = await source.OpenConnectionAsync(cancellation);
                await using var batch = connection.CreateBatch();
                foreach (var statement in (string[])["BEGIN", ShortWait, .. statements, "COMMIT"])
                {
                    batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
                }

                await batch.ExecuteNonQueryAsync(cancellation);
                return null;
            },
            cancellation
        );
}
