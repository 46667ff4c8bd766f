using Npgsql;

namespace Mayfly.Core.Engines.Database.PostgreSql;

/// <summary>
/// Runs statements on pooled connections, and keeps account of connections that broke while something was under way.
/// Members throw Npgsql's exceptions. Safe for concurrent use.
/// </summary>
/// <remarks>
/// All queries of the server's own, here and elsewhere, compare values of the same type, with casts where need be: where PostgreSQL has
/// no operator for just those two types, it takes one that a user has made somewhere in the search path before it converts
/// anything, and that would run with the rights of the administrator.
/// </remarks>
internal sealed class PostgresSessions(NpgsqlDataSource source, Sessions sessions) : IAsyncDisposable
{
    private const string FindSql = """
        SELECT r.oid,
          (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid) AS sessions,
          EXISTS (SELECT FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass::oid AND d.refobjid = r.oid
            AND d.deptype = 'o') AS owns,
          EXISTS (SELECT FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass::oid AND d.refobjid = r.oid) AS rights,
          ARRAY(SELECT DISTINCT b.datname::text FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid
            WHERE d.refclassid = 'pg_authid'::regclass::oid AND d.refobjid = r.oid AND b.datname <> current_database())
            AS elsewhere,
          (SELECT s.rolsuper FROM pg_roles s WHERE s.rolname = current_user) AS super
        FROM pg_roles r WHERE r.rolname = $1
        """;

    private const string EndEarlierSql = """
        SELECT a.pid, pg_terminate_backend(a.pid) FROM pg_stat_activity a
        WHERE a.pid <> pg_backend_pid() AND a.usename = current_user AND (
          (starts_with(a.application_name, $1) AND a.application_name <> $2)
          OR (a.pid = ANY($3) AND a.application_name = $2))
        """;

    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _settling = new(1);

    /// <summary>Runs statements in one transaction, in one round trip.</summary>
    public ValueTask TransactAsync(IReadOnlyList<string> statements, CancellationToken cancellation) =>
        BatchAsync(["BEGIN", .. statements, "COMMIT"], cancellation);

    /// <summary>Runs statements one after another in one round trip; those that begin and end transactions are among them.</summary>
    public async ValueTask BatchAsync(IReadOnlyList<string> statements, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        var session = connection.ProcessID;
        try
        {
            await using var batch = BatchOf(connection, statements);
            await batch.ExecuteNonQueryAsync(cancellation);
        }
        catch
        {
            await LeaveAsync(connection, session);
            throw;
        }
    }

    /// <summary>What there is to know of a user before it is removed; null when there is no such user.</summary>
    public async ValueTask<PostgresUser?> FindAsync(string name, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(FindSql);
        command.Parameters.Add(new NpgsqlParameter { Value = name });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation)
            ? new PostgresUser(
                name,
                reader.GetFieldValue<uint>(0),
                reader.GetInt64(1),
                reader.GetBoolean(2),
                reader.GetBoolean(3),
                reader.GetFieldValue<string[]>(4),
                reader.GetBoolean(5)
            )
            : null;
    }

    /// <summary>
    /// Waits until no session of an earlier run of the server, and none that was lost, can still do anything: afterwards,
    /// what is not there will not come.
    /// </summary>
    public async ValueTask SettleAsync(CancellationToken cancellation)
    {
        if (sessions.Settled)
        {
            return;
        }

        await _settling.WaitAsync(cancellation);
        try
        {
            if (sessions.Settled)
            {
                return;
            }

            var lost = sessions.Lost;
            await using var command = source.CreateCommand(EndEarlierSql);
            command.Parameters.Add(new NpgsqlParameter { Value = sessions.Prefix });
            command.Parameters.Add(new NpgsqlParameter { Value = sessions.Current });
            command.Parameters.Add(new NpgsqlParameter { Value = lost });
            await UntilNoneAsync(command, cancellation);
            sessions.Ended(lost);
        }
        finally
        {
            _settling.Release();
        }
    }

    /// <summary>Runs work; when its connection turns out to be dead, once more after everything is settled.</summary>
    public async ValueTask<T> AgainAfterLossAsync<T>(Func<ValueTask<T>> work, CancellationToken cancellation)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (PostgresFaults.IsLoss(e))
        {
            await SettleAsync(cancellation);
            return await work();
        }
    }

    /// <summary>Runs what ends sessions and shows which until it shows none.</summary>
    public static async ValueTask UntilNoneAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(EndLimit);
        try
        {
            while (true)
            {
                var found = false;
                await using (var reader = await command.ExecuteReaderAsync(limit.Token))
                {
                    found = await reader.ReadAsync(limit.Token);
                }

                if (!found)
                {
                    return;
                }

                await Task.Delay(TimeSpan.FromMilliseconds(5), limit.Token);
            }
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException("sessions that were told to end have not ended", e);
        }
    }

    /// <summary>Ends the pool's connections; those that are in use end when they come back.</summary>
    public async ValueTask DisposeAsync()
    {
        await source.DisposeAsync();
        _settling.Dispose();
    }

    public NpgsqlCommand Command(string sql) => source.CreateCommand(sql);

    private static NpgsqlBatch BatchOf(NpgsqlConnection connection, IReadOnlyList<string> statements)
    {
        var batch = connection.CreateBatch();
        foreach (var statement in statements)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
        }

        return batch;
    }

    /// <summary>After a failure: nothing of the transaction stays, or the session is known to be lost.</summary>
    private async ValueTask LeaveAsync(NpgsqlConnection connection, int session)
    {
        try
        {
            if (connection.State == System.Data.ConnectionState.Open)
            {
                await using var rollback = new NpgsqlCommand("ROLLBACK", connection);
                await rollback.ExecuteNonQueryAsync(CancellationToken.None);
                return;
            }
        }
        catch (Exception e) when (e is NpgsqlException || PostgresFaults.IsLoss(e))
        {
            // Then it is lost after all.
        }

        sessions.Lose(session);
    }
}

/// <summary>What is known of a user. Immutable.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Oid">Its number, which its sessions have even when it is dropped.</param>
/// <param name="Sessions">How many sessions it has.</param>
/// <param name="Owns">It owns something, in any database.</param>
/// <param name="HasRights">It owns something or has rights on something.</param>
/// <param name="Elsewhere">Other databases than that of the connection in which it owns something or has rights.</param>
/// <param name="BySuperuser">The user of the connection is a superuser.</param>
internal sealed record PostgresUser(
    string Name,
    uint Oid,
    long Sessions,
    bool Owns,
    bool HasRights,
    IReadOnlyList<string> Elsewhere,
    bool BySuperuser
);
