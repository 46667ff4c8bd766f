using SQLitePCL;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>A connection that only reads. Each call sees the last commit. Used by one thread at a time.</summary>
internal sealed class SqliteReader : IDisposable
{
    private const string Columns = "version, due, value, key";

    // Seeks from lane to lane in the index, instead of walking what is in them.
    private const string DueLanesQuery = """
        WITH RECURSIVE lanes (lane, due) AS (
          SELECT * FROM (SELECT lane, due FROM record INDEXED BY record_due WHERE due IS NOT NULL ORDER BY lane, due LIMIT 1)
          UNION ALL
          SELECT next.lane, next.due FROM lanes
          JOIN record AS next ON next.id = (
            SELECT id FROM record INDEXED BY record_due
            WHERE due IS NOT NULL AND lane > lanes.lane ORDER BY lane, due LIMIT 1
          )
        )
        SELECT lane, due FROM lanes
        """;

    private readonly SqliteConnection _connection;
    private readonly sqlite3_stmt _get;
    private readonly sqlite3_stmt _keysAfter;
    private readonly sqlite3_stmt _keysFrom;
    private readonly sqlite3_stmt _scan;
    private readonly sqlite3_stmt _due;
    private readonly sqlite3_stmt _dueTied;
    private readonly sqlite3_stmt _dueLanes;
    private readonly sqlite3_stmt _count;
    private readonly sqlite3_stmt _countAll;

    public SqliteReader(string path, SqliteStoreOptions options)
    {
        _connection = SqliteConnection.Open(path, raw.SQLITE_OPEN_READWRITE, options.ReaderCacheKibibytes);
        try
        {
            _connection.Execute("PRAGMA query_only = 1");
            _get = _connection.Prepare("SELECT version, due, value FROM record WHERE key = ?1");
            _keysAfter = _connection.Prepare("SELECT key FROM record WHERE key > ?1 ORDER BY key");
            _keysFrom = _connection.Prepare("SELECT key FROM record WHERE key >= ?1 ORDER BY key");
            _scan = _connection.Prepare($"SELECT {Columns} FROM record WHERE key > ?1 ORDER BY key LIMIT ?2");
            _due = _connection.Prepare(
                $"SELECT {Columns}, id FROM record INDEXED BY record_due "
                    + "WHERE due IS NOT NULL AND lane = ?3 AND due <= ?1 AND due > ?4 ORDER BY due, id LIMIT ?2"
            );
            _dueTied = _connection.Prepare(
                $"SELECT {Columns}, id FROM record INDEXED BY record_due "
                    + "WHERE due IS NOT NULL AND lane = ?3 AND due = ?1 AND id > ?4 ORDER BY id LIMIT ?2"
            );
            _dueLanes = _connection.Prepare(DueLanesQuery);
            _count = _connection.Prepare("SELECT count(*) FROM record WHERE key > ?1 AND key < ?2");
            _countAll = _connection.Prepare("SELECT count(*) FROM record WHERE key > ?1");
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    public StoredRecord? Get(StoreKey key)
    {
        Bind(_get, key.Bytes);
        try
        {
            return Next(_get, "reading record", key) ? Record(_get) : null;
        }
        finally
        {
            raw.sqlite3_reset(_get);
        }
    }

    /// <summary>Steps over records, and seeks past each subfolder instead of walking it.</summary>
    public List<Child> List(StoreKey folder, CancellationToken cancellation)
    {
        var children = new List<Child>();
        var statement = _keysAfter;
        Bind(statement, folder.Bytes);
        try
        {
            while (Next(statement, "listing below", folder))
            {
                var bytes = raw.sqlite3_column_blob(statement, 0);
                if (!bytes.StartsWith(folder.Bytes))
                {
                    break;
                }

                var key = StoreKey.FromBytes(bytes.ToArray());
                var segment = key.ChildOf(folder, out var isFolder).ToArray();
                children.Add(new Child(segment, isFolder));
                if (!isFolder)
                {
                    continue;
                }

                cancellation.ThrowIfCancellationRequested();
                raw.sqlite3_reset(statement);
                if (folder.Append(segment).EndOfRange() is not { } end)
                {
                    break;
                }

                statement = _keysFrom;
                Bind(statement, end);
            }

            return children;
        }
        finally
        {
            raw.sqlite3_reset(statement);
        }
    }

    public List<KeyedRecord> Scan(StoreKey prefix, StoreKey? after, int limit, CancellationToken cancellation)
    {
        var start = after is { } last && last > prefix ? last : prefix;
        Bind(_scan, start.Bytes);
        raw.sqlite3_bind_int(_scan, 2, limit);
        return Records(_scan, prefix, "scanning below", cancellation);
    }

    /// <summary>Those of the same due time first, which the index finds by their numbers; then the later ones.</summary>
    public DuePage Due(long lane, DuePlace after, long until, int limit, CancellationToken cancellation)
    {
        var found = new List<KeyedRecord>();
        var last = after;
        if (after != DuePlace.Start && after.Due <= until)
        {
            last = Due(_dueTied, lane, after.Due, limit, after.Tie, found, last, cancellation);
        }

        if (found.Count < limit)
        {
            last = Due(_due, lane, until, limit - found.Count, after.Due, found, last, cancellation);
        }

        return new DuePage(found, last);
    }

    private DuePlace Due(
        sqlite3_stmt statement,
        long lane,
        long until,
        int limit,
        long after,
        List<KeyedRecord> found,
        DuePlace last,
        CancellationToken cancellation
    )
    {
        raw.sqlite3_bind_int64(statement, 1, until);
        raw.sqlite3_bind_int(statement, 2, limit);
        raw.sqlite3_bind_int64(statement, 3, lane);
        raw.sqlite3_bind_int64(statement, 4, after);
        try
        {
            while (Next(statement, "looking for due records", StoreKey.Root))
            {
                cancellation.ThrowIfCancellationRequested();
                var record = Record(statement);
                found.Add(new(StoreKey.FromBytes(raw.sqlite3_column_blob(statement, 3).ToArray()), record));
                last = new DuePlace(record.Due!.Value, raw.sqlite3_column_int64(statement, 4));
            }

            return last;
        }
        finally
        {
            raw.sqlite3_reset(statement);
        }
    }

    public List<DueLane> DueLanes()
    {
        var lanes = new List<DueLane>();
        try
        {
            while (Next(_dueLanes, "looking for due records", StoreKey.Root))
            {
                lanes.Add(new(raw.sqlite3_column_int64(_dueLanes, 0), raw.sqlite3_column_int64(_dueLanes, 1)));
            }

            return lanes;
        }
        finally
        {
            raw.sqlite3_reset(_dueLanes);
        }
    }

    public long Count(StoreKey prefix)
    {
        var end = prefix.EndOfRange();
        var statement = end is null ? _countAll : _count;
        Bind(statement, prefix.Bytes);
        if (end is not null)
        {
            raw.sqlite3_bind_blob(statement, 2, end);
        }

        return Number(statement, "counting below", prefix) ?? 0;
    }

    public void Dispose() => _connection.Dispose();

    private static void Bind(sqlite3_stmt statement, ReadOnlySpan<byte> key) =>
        raw.sqlite3_bind_blob(statement, 1, key);

    private static StoredRecord Record(sqlite3_stmt row) =>
        new(
            raw.sqlite3_column_blob(row, 2).ToArray(),
            raw.sqlite3_column_int64(row, 0),
            raw.sqlite3_column_type(row, 1) == raw.SQLITE_NULL ? null : raw.sqlite3_column_int64(row, 1)
        );

    private List<KeyedRecord> Records(
        sqlite3_stmt statement,
        StoreKey prefix,
        string doing,
        CancellationToken cancellation
    )
    {
        var found = new List<KeyedRecord>();
        try
        {
            while (Next(statement, doing, prefix))
            {
                cancellation.ThrowIfCancellationRequested();
                var key = StoreKey.FromBytes(raw.sqlite3_column_blob(statement, 3).ToArray());
                if (!key.StartsWith(prefix))
                {
                    break;
                }

                found.Add(new KeyedRecord(key, Record(statement)));
            }

            return found;
        }
        finally
        {
            raw.sqlite3_reset(statement);
        }
    }

    private long? Number(sqlite3_stmt statement, string doing, StoreKey key)
    {
        try
        {
            return Next(statement, doing, key) ? raw.sqlite3_column_int64(statement, 0) : null;
        }
        finally
        {
            raw.sqlite3_reset(statement);
        }
    }

    private bool Next(sqlite3_stmt statement, string doing, StoreKey key) =>
        raw.sqlite3_step(statement) switch
        {
            raw.SQLITE_ROW => true,
            raw.SQLITE_DONE => false,
            var code => throw _connection.Failure(code, $"{doing} {key}"),
        };
}
