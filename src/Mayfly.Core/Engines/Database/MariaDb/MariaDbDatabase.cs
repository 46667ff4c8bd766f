using System.Collections.Concurrent;
using Mayfly.Core.Engines.Database.Sql;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database.MariaDb;

/// <summary>
/// MariaDB through a few connections that are kept. The library blocks, so each piece of work has a thread of its own while
/// it lasts; there are never more than connections (<see cref="Turns"/>). Safe for concurrent use.
/// </summary>
internal sealed class MariaDbDatabase : IDatabase
{
    /// <summary>How often it is looked whether sessions have ended: for ten seconds.</summary>
    private const int MostLooks = 2_000;

    private readonly MariaDbAddress _address;
    private readonly ConnectionConfig _config;
    private readonly ConcurrentBag<MariaDbConnection> _idle = [];

    private readonly Sessions _sessions;

    private MariaDbDatabase(MariaDbAddress address, ConnectionConfig config, Sessions sessions)
    {
        _address = address;
        _config = config;
        _sessions = sessions;
    }

    public static (IDatabase? Database, Fault? Fault) Open(ConnectionConfig config, Sessions sessions)
    {
        var (address, fault) = MariaDbAddress.Of(config);
        return address is null ? (null, fault)
            : address.User.Length == 0
                ? (null, Fault.Invalid("no user to log in as: put {{username}} into connection_url, and set username"))
            : (new MariaDbDatabase(address, config, sessions), null);
    }

    public ValueTask<Fault?> VerifyAsync(CancellationToken cancellation) =>
        WorkAsync(connection => Run(connection, ["SELECT 1"]), secret: null);

    /// <summary>There are no transactions around users: what a failure leaves is removed by the role's rollback_statements, and then as at its end.</summary>
    public async ValueTask<Fault?> CreateAsync(NewUser user, CancellationToken cancellation)
    {
        var values = new SqlValues(user.Name, user.Password, Expiration(user.ExpiresAt));
        var (creation, fault) = Render(
            "creation_statements",
            user.Creation,
            values,
            "name",
            "username",
            "password",
            "expiration"
        );
        if (creation is null)
        {
            return fault;
        }

        if (creation.Count == 0)
        {
            return Fault.Invalid("empty creation statements");
        }

        fault = await WorkAsync(connection => Run(connection, creation), user.Password);
        if (fault is null)
        {
            return null;
        }

        var (rollback, problem) = Render("rollback_statements", user.Rollback, new(user.Name), "name", "username");
        if (rollback is { Count: > 0 })
        {
            problem = await WorkAsync(connection => Run(connection, rollback), secret: null);
        }

        return problem is null
            ? fault
            : fault with
            {
                Messages = [$"{fault.Messages[0]}; and its rollback failed: {problem.Messages[0]}"],
            };
    }

    /// <summary>Users have no end of their own here, unless the role's statements give them one.</summary>
    public async ValueTask<Fault?> RenewAsync(UserRenewal renewal, CancellationToken cancellation)
    {
        var values = new SqlValues(renewal.Name, Expiration: Expiration(renewal.ExpiresAt));
        var (statements, fault) = Render(
            "renew_statements",
            renewal.Statements,
            values,
            "name",
            "username",
            "expiration"
        );
        return statements is null or { Count: 0 }
            ? fault
            : await WorkAsync(connection => Run(connection, statements), secret: null);
    }

    public async ValueTask<Fault?> RemoveAsync(UserRemoval removal, CancellationToken cancellation)
    {
        var (own, fault) = Render("revocation_statements", removal.Statements, new(removal.Name), "name", "username");
        return own is null ? fault : await WorkAsync(connection => Remove(connection, removal, own), secret: null);
    }

    public async ValueTask<Fault?> SetPasswordAsync(PasswordChange change, CancellationToken cancellation)
    {
        var values = new SqlValues(change.Name, change.Password);
        var (own, fault) = Render("rotation_statements", change.Statements, values, "name", "username", "password");
        return own is null
            ? fault
            : await WorkAsync(
                connection => Run(connection, own.Count > 0 ? own : Passwords(connection, change)),
                change.Password
            );
    }

    public ValueTask<Fault?> EndSessionsAsync(string username, CancellationToken cancellation) =>
        WorkAsync(connection => End(connection, $"USER = {MariaDbKind.Literal(username)}"), secret: null);

    public async ValueTask<(bool Accepted, Fault? Fault)> TryLoginAsync(
        string username,
        string password,
        CancellationToken cancellation
    )
    {
        var accepted = false;
        var fault = await OnThreadAsync(
            () =>
            {
                try
                {
                    using var connection = MariaDbConnection.Open(_address, username, password, _config);
                    accepted = true;
                }
                catch (MariaDbException e) when (e.IsDenied)
                {
                    accepted = false;
                }
            },
            password
        );
        return (accepted, fault);
    }

    public ValueTask DisposeAsync()
    {
        while (_idle.TryTake(out var connection))
        {
            connection.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    private static (IReadOnlyList<string>? Sql, Fault? Fault) Render(
        string field,
        IReadOnlyList<string> texts,
        SqlValues values,
        params string[] placeholders
    )
    {
        var (template, fault) = MariaDbKind.Parse(field, texts, placeholders);
        return template is null ? (null, fault) : template.Render(values);
    }

    private static void Run(MariaDbConnection connection, IEnumerable<string> statements)
    {
        foreach (var statement in statements)
        {
            connection.Run(statement);
        }
    }

    /// <summary>No new login; no session; no user.</summary>
    private static void Remove(MariaDbConnection connection, UserRemoval removal, IReadOnlyList<string> own)
    {
        var accounts = Accounts(connection, removal.Name);
        if (accounts.Count == 0)
        {
            return;
        }

        Run(connection, accounts.Select(account => $"ALTER USER IF EXISTS {account} ACCOUNT LOCK"));
        if (!removal.KeepsSessions)
        {
            End(connection, $"USER = {MariaDbKind.Literal(removal.Name)}");
        }

        Run(connection, own.Count > 0 ? own : accounts.Select(account => $"DROP USER IF EXISTS {account}"));
    }

    /// <summary>Tells sessions to end; false when there was none.</summary>
    private static bool End(MariaDbConnection connection, string which)
    {
        var sessions = connection.Run(
            $"SELECT ID FROM information_schema.PROCESSLIST WHERE {which} AND ID <> CONNECTION_ID()"
        );
        foreach (var session in sessions)
        {
            try
            {
                connection.Run($"KILL {session}");
            }
            catch (MariaDbException e) when (e.Number == 1_094)
            {
                // It has ended by itself.
            }
        }

        return sessions.Count > 0;
    }

    /// <summary>A user has an account for each host that it may come from.</summary>
    private static IReadOnlyList<string> Accounts(MariaDbConnection connection, string name) =>
        [
            .. connection
                .Run($"SELECT Host FROM mysql.user WHERE User = {MariaDbKind.Literal(name)}")
                .Select(host => $"{MariaDbKind.Literal(name)}@{MariaDbKind.Literal(host)}"),
        ];

    private static IEnumerable<string> Passwords(MariaDbConnection connection, PasswordChange change)
    {
        var accounts = Accounts(connection, change.Name);
        return accounts.Count == 0
            ? throw new MariaDbException(1_133, $"there is no user {change.Name}")
            : accounts.Select(account => $"ALTER USER {account} IDENTIFIED BY {MariaDbKind.Literal(change.Password)}");
    }

    private static string Expiration(DateTimeOffset end) =>
        end.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Works with a connection that is kept, and once more with a new one when that turns out to be dead.</summary>
    private ValueTask<Fault?> WorkAsync(Action<MariaDbConnection> work, string? secret) =>
        OnThreadAsync(
            () =>
            {
                while (_idle.TryTake(out var kept))
                {
                    try
                    {
                        kept.Run("SELECT 1");
                    }
                    catch (MariaDbException)
                    {
                        kept.Dispose();
                        continue;
                    }

                    WorkWith(kept, work);
                    return;
                }

                WorkWith(LogIn(), work);
            },
            secret
        );

    private void WorkWith(MariaDbConnection connection, Action<MariaDbConnection> work)
    {
        try
        {
            Settle(connection);
            work(connection);
            _idle.Add(connection);
        }
        catch (MariaDbException e) when (!e.IsLoss)
        {
            _idle.Add(connection);
            throw;
        }
        catch
        {
            // What was sent may still be waiting to be read.
            _sessions.Lose(connection.Session);
            connection.Dispose();
            throw;
        }
    }

    /// <summary>
    /// A session of ours. It holds two locks that are named after it, by which it can be told from everybody else's, and those of
    /// this run of the server from those of earlier ones: there is nothing else that a session can say of itself to others.
    /// </summary>
    private MariaDbConnection LogIn()
    {
        var connection = MariaDbConnection.Open(_address, _address.User, _address.Password, _config);
        try
        {
            var taken = connection.Run(
                $"SELECT GET_LOCK(CONCAT('{_sessions.Prefix}', CONNECTION_ID()), 0) + GET_LOCK(CONCAT('{_sessions.Current} ', CONNECTION_ID()), 0)"
            );
            return taken is ["2"]
                ? connection
                : throw new MariaDbException(
                    MariaDbException.Unreachable,
                    "another session holds the locks by which this server tells its own"
                );
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Ends the sessions of earlier runs, and those that were lost, so that nothing of theirs arrives after what comes now.
    /// </summary>
    private void Settle(MariaDbConnection connection)
    {
        if (_sessions.Settled)
        {
            return;
        }

        var lost = _sessions.Lost;
        var ofThisRun = $"IS_USED_LOCK(CONCAT('{_sessions.Current} ', ID))";
        var which =
            $"IS_USED_LOCK(CONCAT('{_sessions.Prefix}', ID)) = ID"
            + $" AND ({ofThisRun} IS NULL{(lost.Length == 0 ? "" : $" OR ID IN ({string.Join(", ", lost)})")})";
        for (var looks = 0; End(connection, which); looks++)
        {
            if (looks == MostLooks)
            {
                throw new MariaDbException(
                    MariaDbException.Unreachable,
                    "sessions that were told to end have not ended"
                );
            }

            connection.Run("DO SLEEP(0.005)");
        }

        _sessions.Ended(lost);
    }

    private static async ValueTask<Fault?> OnThreadAsync(Action work, string? secret)
    {
        try
        {
            await Task.Factory.StartNew(
                work,
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default
            );
            return null;
        }
        catch (MariaDbException e)
        {
            var text = secret is { Length: > 0 }
                ? e.Message.Replace(secret, "***", StringComparison.Ordinal)
                : e.Message;
            return e.IsAway
                ? Fault.Unavailable($"MariaDB says: {text} ({e.Number})")
                : Fault.Invalid($"MariaDB says: {text} ({e.Number})");
        }
        catch (DllNotFoundException)
        {
            return Fault.Unavailable("libmariadb.so.3 is not installed on the server's machine (Debian: libmariadb3)");
        }
    }
}
