using System.Globalization;
using Mayfly.Core.Pipeline;
using Npgsql;

namespace Mayfly.Core.Engines.Database.PostgreSql;

/// <summary>PostgreSQL through a pool of connections. Safe for concurrent use.</summary>
internal sealed class PostgresDatabase : IDatabase
{
    /// <summary>How often a transaction is tried again that met another on the same table.</summary>
    private const int Attempts = 20;

    private readonly NpgsqlConnectionStringBuilder _settings;
    private readonly PostgresSessions _sessions;
    private readonly PostgresRemoval _removal;
    private readonly ConnectionConfig _config;

    /// <summary>Transactions that change rights on objects that are there already take turns: PostgreSQL refuses two at once.</summary>
    private readonly SemaphoreSlim _grants = new(1);

    private PostgresDatabase(
        ConnectionConfig config,
        NpgsqlConnectionStringBuilder settings,
        NpgsqlDataSource source,
        Sessions sessions
    )
    {
        _config = config;
        _settings = settings;
        _sessions = new PostgresSessions(source, sessions);
        _removal = new PostgresRemoval(this);
    }

    public static (IDatabase? Database, Fault? Fault) Open(ConnectionConfig config, Sessions sessions)
    {
        var (url, problem) = PostgresUrl.Parse(config.Url);
        if (url is null)
        {
            return (null, Fault.Invalid(problem!));
        }

        if (config.Detail("password_authentication") is not ("" or "password" or ScramVerifier.Name))
        {
            return (null, Fault.Invalid($"password_authentication is password or {ScramVerifier.Name}"));
        }

        var (settings, fault) = PostgresSource.Settings(url, config, sessions);
        if (settings is null)
        {
            return (null, fault);
        }

        (var source, fault) = PostgresSource.Build(settings, config);
        return source is null ? (null, fault) : (new PostgresDatabase(config, settings, source, sessions), null);
    }

    public ValueTask<Fault?> VerifyAsync(CancellationToken cancellation) =>
        RunAsync(["SELECT 1"], secret: null, cancellation);

    public async ValueTask<Fault?> CreateAsync(NewUser user, CancellationToken cancellation)
    {
        var (template, fault) = PostgresStatements.Creation(user.Creation);
        if (template is null)
        {
            return fault;
        }

        if (template.Statements.Count == 0)
        {
            return Fault.Invalid("empty creation statements");
        }

        var expiration = Expiration(user.ExpiresAt);
        (var statements, fault) = template.Render(new(user.Name, Password(user.Password), expiration));
        if (statements is null)
        {
            return fault;
        }

        // The database itself ends the login, whether anybody comes to revoke it or not.
        IReadOnlyList<string> all = template.Uses("expiration")
            ? statements
            : [.. statements, $"ALTER ROLE {Identifier(user.Name)} VALID UNTIL '{expiration}'"];
        var grants = template.Statements.Any(statement => statement.Verb is not ("CREATE" or "ALTER"));
        return await InTurnAsync(grants, () => CreateAsync(user, all, cancellation), cancellation);
    }

    public async ValueTask<Fault?> RenewAsync(UserRenewal renewal, CancellationToken cancellation)
    {
        var (template, fault) = PostgresStatements.Renewal(renewal.Statements);
        if (template is null)
        {
            return fault;
        }

        (var statements, fault) = template.Render(new(renewal.Name, Expiration: Expiration(renewal.ExpiresAt)));
        return statements is null ? fault : await RunAsync(statements, secret: null, cancellation);
    }

    public ValueTask<Fault?> RemoveAsync(UserRemoval removal, CancellationToken cancellation) =>
        _removal.RunAsync(removal, cancellation);

    public async ValueTask<Fault?> SetPasswordAsync(PasswordChange change, CancellationToken cancellation)
    {
        var (template, fault) = PostgresStatements.Password(change.Statements);
        if (template is null)
        {
            return fault;
        }

        (var statements, fault) = template.Render(new(change.Name, Password(change.Password)));
        return statements is null ? fault : await RunAsync(statements, change.Password, cancellation);
    }

    public ValueTask<Fault?> EndSessionsAsync(string username, CancellationToken cancellation) =>
        _removal.EndSessionsAsync(username, cancellation);

    public async ValueTask<(bool Accepted, Fault? Fault)> TryLoginAsync(
        string username,
        string password,
        CancellationToken cancellation
    )
    {
        var settings = new NpgsqlConnectionStringBuilder(_settings.ConnectionString)
        {
            Username = username,
            Password = password,
            Pooling = false,
        };
        var (source, fault) = PostgresSource.Build(settings, _config);
        if (source is null)
        {
            return (false, fault);
        }

        await using (source)
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(cancellation);
                return (true, null);
            }
            catch (PostgresException e) when (e.SqlState.StartsWith("28", StringComparison.Ordinal))
            {
                return (false, null);
            }
            catch (PostgresException e) when (e.SqlState is PostgresFaults.InsufficientPrivilege or "3D000")
            {
                // It has come past the password: the user may not connect to this database.
                return (true, null);
            }
            catch (Exception e) when (e is NpgsqlException || PostgresFaults.IsLoss(e))
            {
                return (false, PostgresFaults.From(e, password));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _sessions.DisposeAsync();
        _grants.Dispose();
    }

    internal static string Identifier(string name) => PostgresKind.Dialect.Identifier(name);

    /// <summary>
    /// Runs statements in one transaction, and again when another was in the way or an old connection was dead. What was sent on
    /// a connection that was lost cannot arrive after them.
    /// </summary>
    internal async ValueTask<Fault?> RunAsync(
        IReadOnlyList<string> statements,
        string? secret,
        CancellationToken cancellation
    )
    {
        try
        {
            await _sessions.AgainAfterLossAsync(
                async () =>
                {
                    await _sessions.SettleAsync(cancellation);
                    await RetryAsync(statements, cancellation);
                    return true;
                },
                cancellation
            );
            return null;
        }
        catch (Exception e) when (e is NpgsqlException || PostgresFaults.IsLoss(e))
        {
            return PostgresFaults.From(e, secret);
        }
    }

    /// <summary>Work on rights takes turns; other work does not wait.</summary>
    internal async ValueTask<T> InTurnAsync<T>(bool rights, Func<ValueTask<T>> work, CancellationToken cancellation)
    {
        if (!rights)
        {
            return await work();
        }

        await _grants.WaitAsync(cancellation);
        try
        {
            return await work();
        }
        finally
        {
            _grants.Release();
        }
    }

    /// <summary>Tries a transaction until no other is in its way.</summary>
    internal async ValueTask RetryAsync(IReadOnlyList<string> statements, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await _sessions.TransactAsync(statements, cancellation);
                return;
            }
            catch (PostgresException e) when (PostgresFaults.IsConflict(e) && attempt < Attempts)
            {
                var pause = System.Security.Cryptography.RandomNumberGenerator.GetInt32(1, 5 * attempt);
                await Task.Delay(TimeSpan.FromMilliseconds(pause), cancellation);
            }
        }
    }

    internal PostgresSessions Sessions => _sessions;

    /// <summary>The settings of a connection to another database of the same server, which is not kept.</summary>
    internal (NpgsqlDataSource? Source, Fault? Fault) SourceOf(string database) =>
        PostgresSource.Build(
            new NpgsqlConnectionStringBuilder(_settings.ConnectionString) { Database = database, Pooling = false },
            _config
        );

    private async ValueTask<Fault?> CreateAsync(
        NewUser user,
        IReadOnlyList<string> statements,
        CancellationToken cancellation
    )
    {
        try
        {
            await RetryAsync(statements, cancellation);
            return null;
        }
        catch (Exception e) when (e is NpgsqlException || PostgresFaults.IsLoss(e))
        {
            if (!PostgresFaults.IsLoss(e))
            {
                return PostgresFaults.From(e, user.Password);
            }
        }

        // A connection that the pool had kept may have been dead for long, or the database has just been started again.
        try
        {
            await _sessions.SettleAsync(cancellation);
            if (await _sessions.FindAsync(user.Name, cancellation) is null)
            {
                await RetryAsync(statements, cancellation);
            }

            return null;
        }
        catch (Exception e) when (e is NpgsqlException || PostgresFaults.IsLoss(e))
        {
            return PostgresFaults.From(e, user.Password);
        }
    }

    private string Password(string password) =>
        _config.Detail("password_authentication") == ScramVerifier.Name ? ScramVerifier.Of(password) : password;

    /// <summary>Whole seconds are what Vault's format has; the user must not end before its lease.</summary>
    private static string Expiration(DateTimeOffset end) =>
        end.AddTicks(TimeSpan.TicksPerSecond - 1)
            .UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'+0000'", CultureInfo.InvariantCulture);
}
