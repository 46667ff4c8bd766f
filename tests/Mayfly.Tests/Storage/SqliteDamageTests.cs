using System.Numerics;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Sqlite;

namespace Mayfly.Tests.Storage;

/// <summary>Flipped bits, cut and exchanged files: right data or an error that says what is damaged, nothing else.</summary>
public sealed class SqliteDamageTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_flipped_bit_in_the_data_file_never_gives_wrong_or_missing_data()
    {
        var image = await StoreImage.CreateAsync(_folder.Path, closed: true, Cancellation);
        Assert.Equal(["high-water", "mayfly.db"], image.Files.Keys.Order(StringComparer.Ordinal));
        var size = image.Files["mayfly.db"].Length;

        // Every byte of the file's header and of the first page's, then all over the file.
        var headers = Enumerable.Range(0, 140).Select(i => (i * 8L) + (i % 8));
        var detected = await FlipAsync(image, "mayfly.db", headers.Concat(Positions(size, 400)));

        // Free space inside a page is guarded too; only pages that hold nothing at all may go unread.
        Assert.True(detected > 450, $"only {detected} flips were detected");
    }

    [Fact]
    public async Task A_flipped_bit_in_the_log_of_a_crashed_server_never_gives_wrong_or_missing_data()
    {
        var image = await StoreImage.CreateAsync(_folder.Path, closed: false, Cancellation);
        var size = image.Files["mayfly.db-wal"].Length;
        var headers = Enumerable.Range(0, 32 + 24).Select(i => (i * 8L) + (i % 8));
        var detected = await FlipAsync(image, "mayfly.db-wal", headers.Concat(Positions(size, 250)));
        Assert.True(detected > 30, $"only {detected} flips were detected");
        await FlipAsync(image, "mayfly.db", Positions(image.Files["mayfly.db"].Length, 100));
    }

    [Fact]
    public async Task A_flipped_bit_in_the_high_water_mark_never_stops_a_sound_store()
    {
        var image = await StoreImage.CreateAsync(_folder.Path, closed: true, Cancellation);
        var size = image.Files["high-water"].Length;
        Assert.Equal(0, await FlipAsync(image, "high-water", Enumerable.Range(0, size * 8).Select(bit => (long)bit)));
    }

    [Fact]
    public async Task The_message_names_the_file_the_page_and_the_record()
    {
        var image = await StoreImage.CreateAsync(_folder.Path, closed: true, Cancellation);
        image.Restore(_folder.Path, "mayfly.db", bit: (image.Files["mayfly.db"].Length - 2000) * 8L);

        await using var store = SqliteStore.Open(_folder.Path);
        var error = await Assert.ThrowsAsync<StoreCorruptException>(async () =>
            await StoreImage.Contents.ReadAsync(store, null, Cancellation)
        );

        var pages = image.Files["mayfly.db"].Length / 4096;
        Assert.Contains($"mayfly.db, page {pages} ", error.Message, StringComparison.Ordinal);
        Assert.Contains("scanning below", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_damaged_can_still_be_read_and_written()
    {
        var image = await StoreImage.CreateAsync(_folder.Path, closed: true, Cancellation);
        image.Restore(_folder.Path, "mayfly.db", bit: image.Files["mayfly.db"].Length / 2 * 8L);

        await using var store = SqliteStore.Open(_folder.Path);
        var (good, bad) = (0, 0);
        foreach (var key in image.Expected.Keys)
        {
            try
            {
                Assert.NotNull(await store.GetAsync(key, Cancellation));
                good++;
            }
            catch (StoreCorruptException e)
            {
                Assert.Contains(key.ToString(), e.Message, StringComparison.Ordinal);
                bad++;
            }
        }

        Assert.True(bad is > 0 and < 100, $"{bad} of {image.Expected.Keys.Count} records are touched by one page");
        Assert.Equal(image.Expected.Keys.Count, good + bad);
        var results = await Task.WhenAll(
            image.Expected.Keys.Select(async key =>
            {
                var write = new Batch();
                write.Put(key, new byte[] { 1 });
                return await store.CommitAsync(write, Cancellation);
            })
        );
        Assert.All(results, result => Assert.NotEqual(CommitStatus.Conflict, result.Status));
        var refused = results.Where(result => !result.Succeeded).ToList();
        Assert.All(refused, result => Assert.Contains("page", result.Reason, StringComparison.Ordinal));
        Assert.True(refused.Count < 150, $"{refused.Count} writes were refused: {refused[^1].Reason}");
    }

    [Fact]
    public async Task A_missing_log_is_noticed_and_its_loss_must_be_accepted()
    {
        var image = await StoreImage.CreateAsync(_folder.Path, closed: false, Cancellation);
        image.Restore(_folder.Path);
        File.Delete(Path.Combine(_folder.Path, "mayfly.db-wal"));

        var error = Assert.Throws<StoreCorruptException>(() => SqliteStore.Open(_folder.Path));
        Assert.Contains("Acknowledged writes are missing", error.Message, StringComparison.Ordinal);
        Assert.Contains("commit 300 was durable", error.Message, StringComparison.Ordinal);

        await using (var store = SqliteStore.Open(_folder.Path, new SqliteStoreOptions { AcceptLostCommits = true }))
        {
            Assert.True(await store.CountAsync(StoreKey.Root, Cancellation) < image.Expected.Count);
            var batch = new Batch();
            batch.Put(StoreKey.Root.Append("new"), new byte[] { 1 });
            Assert.Equal(301, (await store.CommitAsync(batch, Cancellation)).Sequence);
        }

        await SqliteStore.Open(_folder.Path).DisposeAsync();
    }

    [Fact]
    public async Task A_refusal_to_open_leaves_the_files_as_they_are()
    {
        var image = await StoreImage.CreateAsync(_folder.Path, closed: false, Cancellation);
        var wal = image.Files["mayfly.db-wal"];
        image.Restore(_folder.Path, "mayfly.db-wal", bit: (32 + 24 + 100) * 8);

        Assert.Throws<StoreCorruptException>(() => SqliteStore.Open(_folder.Path));

        var after = await File.ReadAllBytesAsync(Path.Combine(_folder.Path, "mayfly.db-wal"), Cancellation);
        Assert.Equal(wal.Length, after.Length);
        var data = await File.ReadAllBytesAsync(Path.Combine(_folder.Path, "mayfly.db"), Cancellation);
        Assert.Equal(image.Files["mayfly.db"], data);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(4096)]
    [InlineData(20_000)]
    public async Task A_file_that_is_not_ours_or_was_cut_is_refused_and_kept(int length)
    {
        var image = await StoreImage.CreateAsync(_folder.Path, closed: true, Cancellation);
        image.Restore(_folder.Path);
        var path = Path.Combine(_folder.Path, "mayfly.db");
        await File.WriteAllBytesAsync(path, image.Files["mayfly.db"][..length], Cancellation);

        var error = await Assert.ThrowsAsync<StoreCorruptException>(async () =>
        {
            await using var store = SqliteStore.Open(_folder.Path);
            await StoreImage.Contents.ReadAsync(store, image.Expected.Keys, Cancellation);
        });

        Assert.Contains("mayfly.db", error.Message, StringComparison.Ordinal);
        Assert.Equal(length, new FileInfo(path).Length);
    }

    [Fact]
    public async Task A_missing_data_file_is_not_replaced_by_an_empty_one()
    {
        var image = await StoreImage.CreateAsync(_folder.Path, closed: true, Cancellation);
        image.Restore(_folder.Path);
        File.Delete(Path.Combine(_folder.Path, "mayfly.db"));

        var error = Assert.Throws<StoreCorruptException>(() => SqliteStore.Open(_folder.Path));
        Assert.Contains("is missing", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_folder.Path, "mayfly.db")));
    }

    private async Task<int> FlipAsync(StoreImage image, string file, IEnumerable<long> bits)
    {
        var detected = 0;
        foreach (var bit in bits)
        {
            image.Restore(_folder.Path, file, bit);
            try
            {
                await using var store = SqliteStore.Open(_folder.Path);
                var contents = await StoreImage.Contents.ReadAsync(store, image.Expected.Keys, Cancellation);
                Assert.True(
                    image.Expected with { Keys = contents.Keys } == contents,
                    $"bit {bit} of {file} changed data"
                );
            }
            catch (StoreCorruptException e)
            {
                Assert.Contains(_folder.Path, e.Message, StringComparison.Ordinal);
                detected++;
            }
        }

        return detected;
    }

    /// <summary>Bits all over a file; the same ones in each run.</summary>
    private static IEnumerable<long> Positions(int size, int count) =>
        Enumerable.Range(0, count).Select(i => (long)(BitOperations.Crc32C(0x5EED, (ulong)i) % ((ulong)size * 8)));
}
