using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SQLitePCL;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>
/// The embedded store: one SQLite database in a folder that belongs to one server. Commits go through one writer thread,
/// which gives all that wait one sync; reads run beside it, each on a connection of its own. See
/// <c>docs/operations/storage.md</c>.
/// </summary>
public sealed class SqliteStore : IStore
{
    private readonly FolderLock _lock;
    private readonly DatabaseFiles _files;
    private readonly HighWater _highWater;
    private readonly SqliteConnection _connection;
    private readonly SqliteWriter _writer;
    private readonly ReaderPool _readers;
    private readonly CommitFeed _feed;
    private readonly ILogger _log;
    private int _disposed;

    private SqliteStore(
        DataFolder folder,
        FolderLock folderLock,
        DatabaseFiles files,
        HighWater highWater,
        SqliteStoreOptions options,
        ILogger log
    )
    {
        _lock = folderLock;
        _files = files;
        _highWater = highWater;
        _log = log;
        _feed = new CommitFeed(log);
        _readers = new ReaderPool(folder.Data, options);
        _connection = SqliteConnection.Open(folder.Data, raw.SQLITE_OPEN_READWRITE, options.WriterCacheKibibytes);
        try
        {
            SqliteSchema.Check(_connection, folder.Data);
            var sequence = SqliteSchema.CheckSequence(_connection, folder, highWater, options, log);
            _writer = new SqliteWriter(_connection, files, highWater, _feed, options, sequence, log);
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    public string Type => "sqlite";

    /// <summary>Opens the store in <paramref name="folder"/>, or creates it where there is none.</summary>
    /// <exception cref="StoreUnavailableException">Another server uses the folder, or the system refuses.</exception>
    /// <exception cref="StoreCorruptException">The files are damaged, or not ours. They are left as they are.</exception>
    public static SqliteStore Open(
        string folder,
        SqliteStoreOptions? options = null,
        ILogger<SqliteStore>? logger = null
    )
    {
        options ??= new SqliteStoreOptions();
        ILogger log = logger ?? NullLogger<SqliteStore>.Instance;
        SqliteLibrary.Initialize();
        var data = DataFolder.Create(folder);
        var folderLock = FolderLock.Take(data.Path);
        HighWater? highWater = null;
        DatabaseFiles? files = null;
        try
        {
            var isNew = !File.Exists(data.Data);
            if (isNew && File.Exists(data.HighWater))
            {
                throw new StoreCorruptException(
                    $"{data.Data} is missing, but {data.HighWater} says that it was there. Restore it from a backup; "
                        + $"to start with an empty store, delete {data.HighWater} too."
                );
            }

            if (isNew)
            {
                SqliteSchema.Create(data);
            }

            SqliteSchema.CheckHeader(data.Data);
            highWater = isNew ? HighWater.Begin(data.HighWater) : HighWater.Open(data.HighWater);
            folderLock.TakeDataFile(data.Data);
            files = ChecksumVfs.Attach(data.Data);
            return new SqliteStore(data, folderLock, files, highWater, options, log);
        }
        catch
        {
            if (files is not null)
            {
                ChecksumVfs.Detach(files);
            }

            highWater?.Dispose();
            folderLock.Dispose();
            throw;
        }
    }

    public async ValueTask<StoredRecord?> GetAsync(StoreKey key, CancellationToken cancellation)
    {
        using var lease = await _readers.RentAsync(cancellation);
        return lease.Reader.Get(key);
    }

    public async ValueTask<IReadOnlyList<Child>> ListAsync(StoreKey folder, CancellationToken cancellation)
    {
        using var lease = await _readers.RentAsync(cancellation);
        return lease.Reader.List(folder, cancellation);
    }

    public async ValueTask<IReadOnlyList<KeyedRecord>> ScanAsync(
        StoreKey prefix,
        StoreKey? after,
        int limit,
        CancellationToken cancellation
    )
    {
        using var lease = await _readers.RentAsync(cancellation);
        return lease.Reader.Scan(prefix, after, limit, cancellation);
    }

    public async ValueTask<DuePage> DueAsync(
        long lane,
        DuePlace after,
        long until,
        int limit,
        CancellationToken cancellation
    )
    {
        using var lease = await _readers.RentAsync(cancellation);
        return lease.Reader.Due(lane, after, until, limit, cancellation);
    }

    public async ValueTask<IReadOnlyList<DueLane>> DueLanesAsync(CancellationToken cancellation)
    {
        using var lease = await _readers.RentAsync(cancellation);
        return lease.Reader.DueLanes();
    }

    public async ValueTask<long> CountAsync(StoreKey prefix, CancellationToken cancellation)
    {
        using var lease = await _readers.RentAsync(cancellation);
        return lease.Reader.Count(prefix);
    }

    public ValueTask<CommitResult> CommitAsync(Batch batch, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return _writer.CommitAsync(batch);
    }

    public IDisposable Observe(Action<CommittedBatch> observer) => _feed.Observe(observer);

    /// <summary>Commits what waits, moves the write-ahead log into the data file and removes it.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return ValueTask.CompletedTask;
        }

        _writer.Dispose();
        _readers.Dispose();
        try
        {
            _connection.Checkpoint(raw.SQLITE_CHECKPOINT_TRUNCATE);
            _connection.KeepWalOnClose(false);
        }
        catch (Exception e) when (e is StoreCorruptException or StoreUnavailableException)
        {
            _log.LogError(
                "The write-ahead log stays, since it cannot be moved into the data file: {Reason}",
                e.Message
            );
        }

        _connection.Dispose();
        ChecksumVfs.Detach(_files);
        _highWater.Dispose();
        _lock.Dispose();
        return ValueTask.CompletedTask;
    }
}
