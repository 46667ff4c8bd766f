using SQLitePCL;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>One connection with its prepared statements. Used by one thread at a time.</summary>
internal sealed unsafe class SqliteConnection : IDisposable
{
    private const int LongestWaitForReaders = 1_000; // milliseconds

    private readonly string _path;
    private readonly sqlite3 _database;
    private readonly List<sqlite3_stmt> _statements = [];

    private SqliteConnection(string path, sqlite3 database)
    {
        _path = path;
        _database = database;
    }

    /// <summary>Opens a database whose path is attached to the <see cref="ChecksumVfs"/>.</summary>
    public static SqliteConnection Open(string path, int flags, int cacheKibibytes)
    {
        var code = raw.sqlite3_open_v2(path, out var database, flags | raw.SQLITE_OPEN_NOMUTEX, ChecksumVfs.Name);
        var connection = new SqliteConnection(path, database);
        try
        {
            connection.Check(code, "opening it");
            raw.sqlite3_extended_result_codes(database, 1);

            // What happens to the WAL at the end is decided by the store, not by who closes last.
            connection.KeepWalOnClose(true);
            connection.Execute($"PRAGMA cache_size = -{cacheKibibytes}");
            connection.Execute("PRAGMA synchronous = FULL");
            connection.Execute("PRAGMA mmap_size = 0");
            connection.Execute("PRAGMA wal_autocheckpoint = 0");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public void KeepWalOnClose(bool keep) =>
        raw.sqlite3_db_config(_database, SqliteLibrary.NoCheckpointOnClose, keep ? 1 : 0, out _);

    /// <summary>Reserves room at the end of each page; only before the first page is written.</summary>
    public void ReserveBytes(int count) =>
        Check(
            SqliteLibrary.FileControl(_database.DangerousGetHandle(), "main", SqliteLibrary.FcntlReserveBytes, &count),
            "reserving room for checksums"
        );

    public sqlite3_stmt Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v2(_database, sql, out var statement), "preparing a statement");
        _statements.Add(statement);
        return statement;
    }

    public void Execute(string sql) => Check(raw.sqlite3_exec(_database, sql), "executing a statement");

    /// <summary>The only column of the first row, or null where there is no row.</summary>
    public long? ExecuteNumber(string sql)
    {
        var statement = Prepare(sql);
        var code = raw.sqlite3_step(statement);
        long? number = code == raw.SQLITE_ROW ? raw.sqlite3_column_int64(statement, 0) : null;
        raw.sqlite3_reset(statement);
        Check(code is raw.SQLITE_ROW or raw.SQLITE_DONE ? raw.SQLITE_OK : code, "reading a number");
        return number;
    }

    /// <summary>
    /// Moves pages from the WAL into the data file. Modes other than passive wait for readers, within a limit. Returns how
    /// many pages are left.
    /// </summary>
    public int Checkpoint(int mode)
    {
        Check(raw.sqlite3_busy_timeout(_database, LongestWaitForReaders), "setting a limit to waiting");
        var code = raw.sqlite3_wal_checkpoint_v2(_database, "main", mode, out var inLog, out var done);
        Check(code == raw.SQLITE_BUSY ? raw.SQLITE_OK : code, "moving the write-ahead log into it");
        return inLog - done;
    }

    public bool IsInTransaction => raw.sqlite3_get_autocommit(_database) == 0;

    public void Check(int code, string doing)
    {
        if (code != raw.SQLITE_OK)
        {
            throw Failure(code, doing);
        }
    }

    /// <summary>What a result code means to those above: a damaged file, or a store that cannot be used now.</summary>
    public Exception Failure(int code, string doing)
    {
        var damage = DatabaseFiles.TakeDamage();
        var reason = raw.sqlite3_errstr(code).utf8_to_string();
        var isDamage = damage is not null || (code & 0xff) is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB;
        return isDamage
            ? new StoreCorruptException($"The data is damaged: {damage ?? $"{_path}, {reason}"} (found when {doing}).")
            : new StoreUnavailableException($"{_path}: {reason} (error {code}, when {doing}).");
    }

    public void Dispose()
    {
        foreach (var statement in _statements)
        {
            statement.Dispose();
        }

        _database.Dispose();
    }
}
