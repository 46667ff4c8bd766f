using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary>
/// A database that is connected to, with the settings that it was opened with. Closed when the last that works on it is
/// done. Safe for concurrent use.
/// </summary>
internal sealed class OpenConnection(
    string name,
    DatabaseKind kind,
    ConnectionConfig config,
    long version,
    IDatabase database,
    Turns turns
)
{
    /// <summary>One for being open, and one for each that works on it.</summary>
    private int _users = 1;
    private int _closed;

    public DatabaseKind Kind => kind;

    public ConnectionConfig Config => config;

    /// <summary>The version of the configuration's record.</summary>
    public long Version => version;

    /// <summary>Works on the database when there is a turn. Messages of faults begin with the configuration's name.</summary>
    public async ValueTask<Fault?> UseAsync(
        Func<IDatabase, CancellationToken, ValueTask<Fault?>> work,
        CancellationToken cancellation
    )
    {
        if (!TryEnter())
        {
            return Fault.Unavailable($"database {name}: its configuration was changed just now; try again") with
            {
                NothingMade = true,
            };
        }

        try
        {
            var fault = await turns.TakeAsync(limit => work(database, limit), cancellation);
            return fault is null ? null : fault with { Messages = [$"database {name}: {fault.Messages[0]}"] };
        }
        finally
        {
            await LeaveAsync();
        }
    }

    /// <summary>No new work; what is under way is finished.</summary>
    public ValueTask CloseAsync() => Interlocked.Exchange(ref _closed, 1) == 0 ? LeaveAsync() : ValueTask.CompletedTask;

    private bool TryEnter()
    {
        for (var users = Volatile.Read(ref _users); users > 0; users = Volatile.Read(ref _users))
        {
            if (Interlocked.CompareExchange(ref _users, users + 1, users) == users)
            {
                return true;
            }
        }

        return false;
    }

    private async ValueTask LeaveAsync()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            await database.DisposeAsync();
            turns.Dispose();
        }
    }
}
