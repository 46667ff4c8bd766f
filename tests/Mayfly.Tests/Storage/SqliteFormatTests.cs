using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Sqlite;
using SQLitePCL;

namespace Mayfly.Tests.Storage;

/// <summary>Data files of earlier formats.</summary>
public sealed class SqliteFormatTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Records_of_format_1_get_their_lanes()
    {
        var first = StoreKey.Root.Append("mount").Append("1").Append("a");
        var second = StoreKey.Root.Append("mount").Append("2").Append("b");
        await using (var store = SqliteStore.Open(_folder.Path))
        {
            var batch = new Batch();
            batch.Put(first, "1"u8.ToArray(), due: 10);
            batch.Put(second, "2"u8.ToArray(), due: 20);
            batch.Put(StoreKey.Root.Append("c"), "3"u8.ToArray());
            await store.CommitAsync(batch, Cancellation);
        }

        BackToFormat1();

        await using var again = SqliteStore.Open(_folder.Path);
        Assert.Equal(
            new[] { new DueLane(first.Lane, 10), new(second.Lane, 20) }.ToHashSet(),
            (await again.DueLanesAsync(Cancellation)).ToHashSet()
        );
        Assert.Equal(second, Assert.Single(await again.DueAsync(second.Lane, 20, 10, Cancellation)).Key);
        Assert.Equal(3, await again.CountAsync(StoreKey.Root, Cancellation));
    }

    private void BackToFormat1()
    {
        var file = Path.Combine(_folder.Path, "mayfly.db");
        var files = ChecksumVfs.Attach(file);
        try
        {
            using var connection = SqliteConnection.Open(file, raw.SQLITE_OPEN_READWRITE, cacheKibibytes: 1024);
            connection.Execute(
                "BEGIN; DROP INDEX record_due; ALTER TABLE record DROP COLUMN lane; "
                    + "CREATE INDEX record_due ON record (due) WHERE due IS NOT NULL; PRAGMA user_version = 1; COMMIT"
            );
            connection.Checkpoint(raw.SQLITE_CHECKPOINT_TRUNCATE);
            connection.KeepWalOnClose(false);
        }
        finally
        {
            ChecksumVfs.Detach(files);
        }
    }
}
