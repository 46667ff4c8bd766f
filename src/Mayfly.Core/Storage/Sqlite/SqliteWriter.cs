using Microsoft.Extensions.Logging;
using SQLitePCL;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>
/// The one thread that writes. It takes all commits that wait into one transaction, so that they share one sync, and
/// answers them when it is durable. A batch whose precondition fails leaves the others of its group alone: all its
/// preconditions are checked before any of its writes.
/// </summary>
internal sealed class SqliteWriter : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly DatabaseFiles _files;
    private readonly HighWater _highWater;
    private readonly CommitFeed _feed;
    private readonly SqliteStoreOptions _options;
    private readonly ILogger _log;
    private readonly CommitQueue _queue;
    private readonly List<PendingCommit> _group = [];
    private readonly List<PendingCommit> _single = [];
    private readonly Thread _thread;

    private readonly sqlite3_stmt _begin;
    private readonly sqlite3_stmt _commit;
    private readonly sqlite3_stmt _rollback;
    private readonly sqlite3_stmt _version;
    private readonly sqlite3_stmt _put;
    private readonly sqlite3_stmt _delete;
    private readonly sqlite3_stmt _sequenceIs;

    private long _sequence;
    private bool _failing;
    private bool _checkpointFailing;

    public SqliteWriter(
        SqliteConnection connection,
        DatabaseFiles files,
        HighWater highWater,
        CommitFeed feed,
        SqliteStoreOptions options,
        long sequence,
        ILogger log
    )
    {
        _connection = connection;
        _files = files;
        _highWater = highWater;
        _feed = feed;
        _options = options;
        _sequence = sequence;
        _log = log;
        _queue = new CommitQueue(options.WaitingLimit);
        connection.Execute("PRAGMA secure_delete = FAST");
        connection.Execute("PRAGMA foreign_keys = 0");
        _begin = connection.Prepare("BEGIN IMMEDIATE");
        _commit = connection.Prepare("COMMIT");
        _rollback = connection.Prepare("ROLLBACK");
        _version = connection.Prepare("SELECT version FROM record WHERE key = ?1");
        _put = connection.Prepare(
            "INSERT INTO record (key, version, due, value, lane) VALUES (?1, ?2, ?3, ?4, ?5) "
                + "ON CONFLICT (key) DO UPDATE SET version = ?2, due = ?3, value = ?4, lane = ?5"
        );
        _delete = connection.Prepare("DELETE FROM record WHERE key = ?1");
        _sequenceIs = connection.Prepare("UPDATE last_commit SET sequence = ?1 WHERE id = 1");
        _thread = new Thread(Run) { IsBackground = true, Name = "store writer" };
        _thread.Start();
    }

    public ValueTask<CommitResult> CommitAsync(Batch batch)
    {
        var pending = PendingCommit.Rent(batch);
        var task = pending.Task;
        if (_queue.TryAdd(pending) is { } refused)
        {
            pending.Result = refused;
            pending.Complete();
        }

        return task;
    }

    /// <summary>Commits what waits, and ends the thread.</summary>
    public void Dispose()
    {
        _queue.Close();
        _thread.Join();
    }

    private void Run()
    {
        while (_queue.Take(_group, _options.GroupLimit))
        {
            Commit(_group);
            foreach (var pending in _group)
            {
                pending.Complete();
            }

            if (_files.WalBytes >= _options.CheckpointBytes)
            {
                Checkpoint();
            }
        }
    }

    private void Commit(List<PendingCommit> group)
    {
        try
        {
            Transact(group);
            Recovered();
            return;
        }
        catch (Exception e)
        {
            Failed(e);
            if (e is not StoreCorruptException || group.Count == 1)
            {
                Refuse(group, e.Message);
                return;
            }
        }

        // Damage touches the batches that stand on it; the others must not fail with them.
        foreach (var pending in group)
        {
            _single.Clear();
            _single.Add(pending);
            Commit(_single);
        }
    }

    private void Transact(List<PendingCommit> group)
    {
        var sequence = _sequence;
        try
        {
            Execute(_begin, "beginning a commit");
            foreach (var pending in group)
            {
                if (!PreconditionsHold(pending.Batch))
                {
                    pending.Result = CommitResult.Conflict();
                    continue;
                }

                sequence++;
                pending.Result = CommitResult.Committed(sequence);
                Apply(pending.Batch, sequence);
            }

            if (sequence == _sequence)
            {
                Execute(_rollback, "ending a commit");
                return;
            }

            raw.sqlite3_bind_int64(_sequenceIs, 1, sequence);
            Execute(_sequenceIs, "writing the commit sequence");
            Execute(_commit, "committing");
        }
        catch
        {
            if (_connection.IsInTransaction)
            {
                raw.sqlite3_step(_rollback);
                raw.sqlite3_reset(_rollback);
            }

            throw;
        }

        _sequence = sequence;
        Publish(group);
    }

    private void Publish(List<PendingCommit> group)
    {
        RaiseHighWater();
        foreach (var pending in group)
        {
            if (pending.Result.Succeeded)
            {
                _feed.Publish(new CommittedBatch(pending.Result.Sequence, pending.Batch.Writes));
            }
        }
    }

    private void RaiseHighWater()
    {
        try
        {
            _highWater.Write(_sequence);
        }
        catch (IOException e)
        {
            // The commit is durable; only the guard against a later loss lags behind.
            _log.LogWarning(e, "The high-water mark cannot be written.");
        }
    }

    private bool PreconditionsHold(Batch batch)
    {
        var writes = batch.Writes;
        for (var i = 0; i < writes.Count; i++)
        {
            if (writes[i].ExpectedVersion is { } expected && VersionOf(writes[i].Key) != expected)
            {
                return false;
            }
        }

        return true;
    }

    private long VersionOf(StoreKey key)
    {
        raw.sqlite3_bind_blob(_version, 1, key.Bytes);
        var code = raw.sqlite3_step(_version);
        var version = code == raw.SQLITE_ROW ? raw.sqlite3_column_int64(_version, 0) : 0;
        raw.sqlite3_reset(_version);
        return code is raw.SQLITE_ROW or raw.SQLITE_DONE
            ? version
            : throw _connection.Failure(code, $"checking the version of record {key}");
    }

    private void Apply(Batch batch, long sequence)
    {
        var writes = batch.Writes;
        for (var i = 0; i < writes.Count; i++)
        {
            var write = writes[i];
            if (write.Kind == WriteKind.Expect)
            {
                continue;
            }

            var statement = write.Kind == WriteKind.Put ? _put : _delete;
            raw.sqlite3_bind_blob(statement, 1, write.Key.Bytes);
            if (write.Kind == WriteKind.Put)
            {
                raw.sqlite3_bind_int64(statement, 2, sequence);
                if (write.Due is { } due)
                {
                    raw.sqlite3_bind_int64(statement, 3, due);
                    raw.sqlite3_bind_int64(statement, 5, write.Key.Lane);
                }
                else
                {
                    raw.sqlite3_bind_null(statement, 3);
                    raw.sqlite3_bind_null(statement, 5);
                }

                if (write.Value.IsEmpty)
                {
                    // An empty span would be bound as NULL.
                    raw.sqlite3_bind_zeroblob(statement, 4, 0);
                }
                else
                {
                    raw.sqlite3_bind_blob(statement, 4, write.Value.Span);
                }
            }

            Execute(statement, "writing a record");
        }
    }

    private void Execute(sqlite3_stmt statement, string doing)
    {
        var code = raw.sqlite3_step(statement);
        raw.sqlite3_reset(statement);
        if (code != raw.SQLITE_DONE)
        {
            throw _connection.Failure(code, doing);
        }
    }

    private void Checkpoint()
    {
        try
        {
            // Passive waits for nobody. When readers have held the log open for long, wait for them: they are short.
            var isFarOver = _files.WalBytes >= 4 * _options.CheckpointBytes;
            _connection.Checkpoint(isFarOver ? raw.SQLITE_CHECKPOINT_RESTART : raw.SQLITE_CHECKPOINT_PASSIVE);
            _checkpointFailing = false;
        }
        catch (Exception e) when (e is StoreCorruptException or StoreUnavailableException)
        {
            // The commits are safe in the log. It is tried again after the next one.
            if (!_checkpointFailing)
            {
                _log.LogError(
                    "The write-ahead log grows, since it cannot be moved into the data file: {Reason}",
                    e.Message
                );
            }

            _checkpointFailing = true;
        }
    }

    private static void Refuse(List<PendingCommit> group, string reason)
    {
        foreach (var pending in group)
        {
            pending.Result = CommitResult.Unavailable(reason);
        }
    }

    private void Failed(Exception e)
    {
        if (e is not (StoreCorruptException or StoreUnavailableException))
        {
            _log.LogError(e, "The store's writer met a bug.");
        }
        else if (!_failing)
        {
            _log.LogError("The store cannot write: {Reason}", e.Message);
        }

        _failing = true;
    }

    private void Recovered()
    {
        if (_failing)
        {
            _log.LogInformation("The store writes again.");
            _failing = false;
        }
    }
}
