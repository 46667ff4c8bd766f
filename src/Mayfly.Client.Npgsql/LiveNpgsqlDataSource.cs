using System.Data.Common;
using Mayfly.Client.Secrets;
using Npgsql;

namespace Mayfly.Client.Npgsql;

/// <summary>
/// Connections to PostgreSQL whose user and password come from a live secret: a static role or dynamic credentials of a
/// database mount, or a key-value secret. When the secret changes, connections that are opened take the new credential at
/// once, idle ones are closed, and those in use are closed when they are given back. A credential that the database refuses
/// is read again past the cache, and tried once more. Safe for concurrent use.
/// </summary>
public sealed class LiveNpgsqlDataSource : DbDataSource
{
    private readonly string _connectionString;
    private readonly LiveSecret _secret;
    private readonly LiveNpgsqlOptions _options;
    private readonly Lock _lock = new();
    private volatile CredentialPool? _pool;
    private volatile bool _isDisposed;

    /// <summary>A pool for the database of <paramref name="connectionString"/>. Opens nothing yet.</summary>
    /// <param name="connectionString">Host, database and settings of the pool; user and password come from the secret.</param>
    /// <param name="secret">Holds user and password. It is not disposed of here.</param>
    /// <param name="options">The names of its fields.</param>
    /// <exception cref="ArgumentException">The connection string is none.</exception>
    public LiveNpgsqlDataSource(string connectionString, LiveSecret secret, LiveNpgsqlOptions? options = null)
    {
        _connectionString = connectionString;
        _secret = secret;
        _options = options ?? new LiveNpgsqlOptions();
        var shown = new NpgsqlConnectionStringBuilder(connectionString) { Password = null };
        ConnectionString = shown.ConnectionString;
        _secret.Changed += Change;
    }

    /// <summary>The connection string, without a password.</summary>
    public override string ConnectionString { get; }

    /// <summary>
    /// A connection that is not open. It belongs to the credential of now: open it soon, or use
    /// <see cref="OpenConnectionAsync"/>.
    /// </summary>
    /// <exception cref="SecretUnavailableException">There is no value yet, or it is too old.</exception>
    public new NpgsqlConnection CreateConnection() => Pool(_secret.Current).Source.CreateConnection();

    /// <summary>
    /// Opens a connection. The secret must have been read before (<see cref="LiveSecret.GetAsync"/>): this waits for the
    /// database alone, and does not read a refused credential again.
    /// </summary>
    /// <exception cref="NpgsqlException">The database cannot be reached, or refuses.</exception>
    /// <exception cref="SecretUnavailableException">There is no value yet, or it is too old.</exception>
    public new NpgsqlConnection OpenConnection()
    {
        while (true)
        {
            var pool = Pool(_secret.Current);
            try
            {
                return Opened(pool, pool.Source.OpenConnection());
            }
            catch (ObjectDisposedException) when (!_isDisposed && !ReferenceEquals(pool, _pool))
            {
                // Another credential has come since; its pool opens the connection.
            }
        }
    }

    /// <summary>Opens a connection.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached, or refuses the newest credential, too.</exception>
    /// <exception cref="SecretUnavailableException">There is no value to be had.</exception>
    public new async ValueTask<NpgsqlConnection> OpenConnectionAsync(CancellationToken cancellationToken = default)
    {
        var value = await _secret.GetAsync(cancellationToken);
        for (var isRefused = false; ; )
        {
            var pool = Pool(value);
            try
            {
                return Opened(pool, await pool.Source.OpenConnectionAsync(cancellationToken));
            }
            catch (PostgresException refusal) when (!isRefused && NpgsqlFailures.IsRefusal(refusal))
            {
                isRefused = true;
                var newest = await NewestAsync(cancellationToken);
                if (newest is null || ReferenceEquals(newest, pool.Value))
                {
                    throw;
                }

                value = newest;
            }
            catch (ObjectDisposedException) when (!_isDisposed && !ReferenceEquals(pool, _pool))
            {
                value = await _secret.GetAsync(cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    protected override DbConnection CreateDbConnection() => CreateConnection();

    /// <inheritdoc/>
    protected override DbConnection OpenDbConnection() => OpenConnection();

    /// <inheritdoc/>
    protected override async ValueTask<DbConnection> OpenDbConnectionAsync(
        CancellationToken cancellationToken = default
    ) => await OpenConnectionAsync(cancellationToken);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            End()?.Source.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    protected override async ValueTask DisposeAsyncCore()
    {
        if (End() is { } pool)
        {
            await pool.Source.DisposeAsync();
        }

        await base.DisposeAsyncCore();
    }

    private CredentialPool? End()
    {
        _secret.Changed -= Change;
        lock (_lock)
        {
            _isDisposed = true;
            return _pool;
        }
    }

    /// <summary>The pool of a version, or of a newer one.</summary>
    private CredentialPool Pool(SecretValue value)
    {
        var pool = _pool;
        if (pool is not null && ReferenceEquals(pool.Value, value))
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return pool;
        }

        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            // Whoever has waited for the lock may have an older one in the hand.
            value = _secret.TryGetCurrent(out var current) ? current : value;
            pool = _pool;
            if (pool is not null && ReferenceEquals(pool.Value, value))
            {
                return pool;
            }

            var next = new CredentialPool(_connectionString, value, _options);
            _pool = next;
            // Closes what is idle now, and what is in use when it comes back.
            pool?.Source.Dispose();
            return next;
        }
    }

    private NpgsqlConnection Opened(CredentialPool pool, NpgsqlConnection connection)
    {
        if (pool.Prove())
        {
            _secret.Acknowledge();
        }

        return connection;
    }

    private async Task<SecretValue?> NewestAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _secret.RefreshAsync(cancellationToken);
        }
        catch (SecretSourceException)
        {
            // What the database said tells more than why there is nothing newer.
            return null;
        }
    }

    /// <summary>
    /// Drops the connections of the credential before at once, and tries the new one, so that a rotation that waits for this
    /// program need not wait for its next query.
    /// </summary>
    private void Change(object? sender, SecretChangedEventArgs change)
    {
        // The first value is announced when somebody may have opened with it already, who proves it.
        if (_pool is not null && change.Previous is not null)
        {
            _ = ProveAsync(change.Value);
        }
    }

    private async Task ProveAsync(SecretValue value)
    {
        try
        {
            Pool(value);
            await using var connection = await OpenConnectionAsync();
        }
        catch (Exception failure)
            when (failure
                    is NpgsqlException
                        or SecretUnavailableException
                        or ObjectDisposedException
                        or KeyNotFoundException
                        or TimeoutException
            )
        {
            // The next who opens a connection gets the reason.
        }
    }
}
