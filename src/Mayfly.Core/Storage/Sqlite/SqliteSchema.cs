using Microsoft.Extensions.Logging;
using SQLitePCL;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>How the data file is laid out, created, and recognized.</summary>
internal static class SqliteSchema
{
    private const int ApplicationId = 0x4D61796C;
    private const int FormatVersion = 2;

    // Values stand in a table in order of arrival, so that new ones fill pages one after another; the index of keys is
    // small and answers listings alone.
    private const string Definition = """
        CREATE TABLE record (
          id INTEGER PRIMARY KEY,
          version INTEGER NOT NULL,
          due INTEGER,
          key BLOB NOT NULL,
          value BLOB NOT NULL,
          lane INTEGER
        ) STRICT;
        CREATE UNIQUE INDEX record_key ON record (key);
        CREATE INDEX record_due ON record (lane, due) WHERE due IS NOT NULL;
        CREATE TABLE last_commit (id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL) STRICT;
        INSERT INTO last_commit VALUES (1, 0);
        """;

    /// <summary>Creates the data file: under another name until it is whole and durable.</summary>
    public static void Create(DataFolder folder)
    {
        File.Delete(folder.Unborn);
        File.Delete(folder.Unborn + "-journal");
        Libc.OpenFile(folder.Unborn, create: true).Dispose();
        var files = ChecksumVfs.Attach(folder.Unborn);
        try
        {
            using (
                var connection = SqliteConnection.Open(folder.Unborn, raw.SQLITE_OPEN_READWRITE, cacheKibibytes: 1024)
            )
            {
                connection.ReserveBytes(PageChecksum.Size);
                connection.Execute($"PRAGMA page_size = {MainFile.PageSize}");
                connection.Execute("PRAGMA journal_mode = WAL");
                connection.Execute($"BEGIN; {Definition} COMMIT;");
                connection.Execute($"PRAGMA application_id = {ApplicationId}");
                connection.Execute($"PRAGMA user_version = {FormatVersion}");
                connection.Checkpoint(raw.SQLITE_CHECKPOINT_TRUNCATE);
                connection.KeepWalOnClose(false);
            }

            File.Move(folder.Unborn, folder.Data);
            Libc.SyncFolder(folder.Path);
        }
        catch (IOException e)
        {
            throw new StoreUnavailableException($"The data file {folder.Data} cannot be created: {e.Message}", e);
        }
        finally
        {
            ChecksumVfs.Detach(files);
        }
    }

    /// <summary>
    /// Looks at the file without SQLite, which would take a file that it cannot read for an empty one in some cases.
    /// </summary>
    /// <exception cref="StoreCorruptException">It is not a data file of ours, or its first page is damaged.</exception>
    public static void CheckHeader(string path)
    {
        using var file = Libc.OpenFile(path, create: false);
        var page = new byte[MainFile.PageSize];
        if (
            RandomAccess.Read(file, page, 0) < page.Length
            || !PageChecksum.Verify(page, 0)
            || !page.AsSpan().StartsWith("SQLite format 3\0"u8)
        )
        {
            throw new StoreCorruptException(
                $"{path} is not a data file of this server, or its first page is damaged. It is left as it is: "
                    + "restore it from a backup, or move it away to start with an empty store."
            );
        }
    }

    /// <exception cref="StoreCorruptException">It is a database, but not ours.</exception>
    /// <exception cref="StoreUnavailableException">A newer release wrote it.</exception>
    public static void Check(SqliteConnection connection, string path)
    {
        if (connection.ExecuteNumber("PRAGMA application_id") != ApplicationId)
        {
            throw new StoreCorruptException($"{path} is a database of another program.");
        }

        if (connection.ExecuteNumber("PRAGMA user_version") is var version && version == 1)
        {
            AddLanes(connection);
        }
        else if (version != FormatVersion)
        {
            throw new StoreUnavailableException(
                $"{path} has format {version}, and this release knows format {FormatVersion}. Use the release that wrote it."
            );
        }
    }

    /// <summary>From format 1, whose due records stood in one queue, in one transaction.</summary>
    private static void AddLanes(SqliteConnection connection)
    {
        connection.Execute("BEGIN IMMEDIATE; ALTER TABLE record ADD COLUMN lane INTEGER; DROP INDEX record_due");
        using (var select = connection.Prepare("SELECT id, key FROM record WHERE due IS NOT NULL"))
        using (var update = connection.Prepare("UPDATE record SET lane = ?2 WHERE id = ?1"))
        {
            var found = new List<(long Id, long Lane)>();
            while (raw.sqlite3_step(select) == raw.SQLITE_ROW)
            {
                var key = StoreKey.FromBytes(raw.sqlite3_column_blob(select, 1).ToArray());
                found.Add((raw.sqlite3_column_int64(select, 0), key.Lane));
            }

            foreach (var (id, lane) in found)
            {
                raw.sqlite3_bind_int64(update, 1, id);
                raw.sqlite3_bind_int64(update, 2, lane);
                if (raw.sqlite3_step(update) is var code and not raw.SQLITE_DONE)
                {
                    throw connection.Failure(code, "giving due records their lanes");
                }

                raw.sqlite3_reset(update);
            }
        }

        connection.Execute(
            "CREATE INDEX record_due ON record (lane, due) WHERE due IS NOT NULL; "
                + $"PRAGMA user_version = {FormatVersion}; COMMIT"
        );
    }

    /// <summary>
    /// The sequence of the last commit; refuses to go on when acknowledged commits are missing.
    /// </summary>
    public static long CheckSequence(
        SqliteConnection connection,
        DataFolder folder,
        HighWater highWater,
        SqliteStoreOptions options,
        ILogger log
    )
    {
        var sequence =
            connection.ExecuteNumber("SELECT sequence FROM last_commit WHERE id = 1")
            ?? throw new StoreCorruptException($"{folder.Data} holds no commit sequence.");
        if (highWater.Sequence is null)
        {
            log.LogWarning(
                "{File} is missing: whether all acknowledged writes are in the store cannot be told this time.",
                folder.HighWater
            );
        }
        else if (sequence < highWater.Sequence)
        {
            var lost =
                $"Acknowledged writes are missing: {folder.HighWater} says that commit {highWater.Sequence} was durable, "
                + $"but the last one in {folder.Data} is {sequence}. The write-ahead log {folder.Wal} was damaged or removed, "
                + "or an older copy of the data file was put here. ";
            if (!options.AcceptLostCommits)
            {
                throw new StoreCorruptException(
                    lost
                        + "Nothing was changed. Restore the files from a backup, or accept the loss (see docs/operations/storage.md)."
                );
            }

            log.LogError("{Lost}The operator accepted the loss.", lost);

            // Versions must never be used twice: somebody may hold one of a lost commit.
            sequence = highWater.Sequence.Value;
            connection.Execute($"UPDATE last_commit SET sequence = {sequence} WHERE id = 1");
        }

        return sequence;
    }
}
