using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Sqlite;
using Mayfly.Tests.Http;
using Microsoft.Extensions.Logging;
using SQLitePCL;

namespace Mayfly.Tests.Storage;

/// <summary>The data folder: who may use it, who may read it, and what stays in it.</summary>
public sealed class SqliteFolderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_second_server_on_the_folder_is_refused()
    {
        await using var store = SqliteStore.Open(_folder.Path);

        var error = Assert.Throws<StoreUnavailableException>(() => SqliteStore.Open(_folder.Path));
        Assert.Contains($"process {Environment.ProcessId}", error.Message, StringComparison.Ordinal);

        using var other = ChildProcess.Start("open-store", _folder.Path);
        var said = await other.Output.ReadToEndAsync(Cancellation);
        Assert.Equal(1, await other.ExitAsync(Cancellation));
        Assert.Contains(_folder.Path, said, StringComparison.Ordinal);
        Assert.Contains($"process {Environment.ProcessId}", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_folder_gives_no_warning_and_a_missing_mark_does()
    {
        using var log = new CapturedLog();
        var logger = log.Factory.CreateLogger<SqliteStore>();
        await using (var store = SqliteStore.Open(_folder.Path, logger: logger))
        {
            Assert.True((await PutAsync(store, "a")).Succeeded);
        }

        await SqliteStore.Open(_folder.Path, logger: logger).DisposeAsync();
        Assert.DoesNotContain("high-water", log.Text, StringComparison.Ordinal);

        File.Delete(Path.Combine(_folder.Path, "high-water"));
        await SqliteStore.Open(_folder.Path, logger: logger).DisposeAsync();
        Assert.Contains("high-water is missing", log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_folder_is_free_again_after_dispose()
    {
        await SqliteStore.Open(_folder.Path).DisposeAsync();
        await SqliteStore.Open(_folder.Path).DisposeAsync();
    }

    [Fact]
    public async Task Another_sqlite_program_finds_the_data_file_locked()
    {
        await using var store = SqliteStore.Open(_folder.Path);
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_open(Path.Combine(_folder.Path, "mayfly.db"), out var other));
        using (other)
        {
            Assert.Equal(raw.SQLITE_BUSY, raw.sqlite3_exec(other, "SELECT count(*) FROM record"));
        }

        Assert.True((await PutAsync(store, "a")).Succeeded);
    }

    [Fact]
    public async Task Another_sqlite_program_can_check_a_closed_data_file()
    {
        await using (var store = SqliteStore.Open(_folder.Path))
        {
            for (var i = 0; i < 100; i++)
            {
                await PutAsync(store, "name" + i);
            }
        }

        raw.sqlite3_open(Path.Combine(_folder.Path, "mayfly.db"), out var other);
        using (other)
        {
            raw.sqlite3_prepare_v2(other, "PRAGMA integrity_check", out var statement);
            using (statement)
            {
                Assert.Equal(raw.SQLITE_ROW, raw.sqlite3_step(statement));
                Assert.Equal("ok", raw.sqlite3_column_text(statement, 0).utf8_to_string());
            }
        }
    }

    [Fact]
    public async Task Only_the_owner_may_read_the_files()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        await using var store = SqliteStore.Open(_folder.Path);
        await PutAsync(store, "a");

        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(Owner | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder.Path));
        var files = Directory.GetFiles(_folder.Path);
        Assert.Equal(["high-water", "lock", "mayfly.db", "mayfly.db-wal"], files.Select(Path.GetFileName).Order());
        foreach (var file in files)
        {
            Assert.Equal(Owner, File.GetUnixFileMode(file));
        }
    }

    [Fact]
    public async Task Dispose_leaves_everything_in_the_data_file_and_no_log()
    {
        await using (var store = SqliteStore.Open(_folder.Path))
        {
            await PutAsync(store, "a");
        }

        Assert.Equal(
            ["high-water", "lock", "mayfly.db"],
            Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order()
        );
        await using var again = SqliteStore.Open(_folder.Path);
        Assert.NotNull(await again.GetAsync(StoreKey.Root.Append("a"), Cancellation));
    }

    [Fact]
    public async Task Sequences_go_on_after_a_restart()
    {
        long before;
        await using (var store = SqliteStore.Open(_folder.Path))
        {
            before = (await PutAsync(store, "a")).Sequence;
        }

        await using var again = SqliteStore.Open(_folder.Path);
        Assert.Equal(before + 1, (await PutAsync(again, "b")).Sequence);
    }

    [Fact]
    public async Task The_log_does_not_grow_without_bound()
    {
        const int Limit = 400_000;
        await using var store = SqliteStore.Open(_folder.Path, new SqliteStoreOptions { CheckpointBytes = Limit });
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 12_000),
            new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = Cancellation },
            async (i, _) =>
            {
                await PutAsync(store, "name" + (i % 500));
                await store.GetAsync(StoreKey.Root.Append("name" + (i % 77)), Cancellation);
                await store.ListAsync(StoreKey.Root, Cancellation);
            }
        );

        // Some 20 MB without a limit, and 12 when nobody waits for readers.
        Assert.InRange(new FileInfo(Path.Combine(_folder.Path, "mayfly.db-wal")).Length, 1, 8 * Limit);
    }

    [Fact]
    public async Task What_was_left_of_a_creation_that_did_not_finish_is_no_obstacle()
    {
        Directory.CreateDirectory(_folder.Path);
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "mayfly.db.new"), "half", Cancellation);
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "mayfly.db.new-wal"), "half", Cancellation);
        await using var store = SqliteStore.Open(_folder.Path);
        Assert.True((await PutAsync(store, "a")).Succeeded);
    }

    private static ValueTask<CommitResult> PutAsync(SqliteStore store, string name)
    {
        var batch = new Batch();
        batch.Put(StoreKey.Root.Append(name), new byte[1000]);
        return store.CommitAsync(batch, Cancellation);
    }
}
