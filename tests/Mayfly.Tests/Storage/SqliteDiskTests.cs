using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Sqlite;

namespace Mayfly.Tests.Storage;

/// <summary>A disk that is full, and one whose syncs fail.</summary>
public sealed class SqliteDiskTests(ITestOutputHelper output) : IDisposable
{
    private readonly TempFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task On_a_full_disk_writes_are_refused_whole_reads_go_on_and_writes_resume()
    {
        Directory.CreateDirectory(_folder.Path);
        if (!await RunAsync("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", _folder.Path))
        {
            output.WriteLine("Left out: mounting a small file system needs root.");
            return;
        }

        try
        {
            var data = Path.Combine(_folder.Path, "data");
            var ballast = Path.Combine(_folder.Path, "ballast");
            await File.WriteAllBytesAsync(ballast, new byte[2 << 20], Cancellation);
            var options = new SqliteStoreOptions { CheckpointBytes = 1 << 20 };
            int written;
            await using (var store = SqliteStore.Open(data, options))
            {
                written = await FillAsync(store, 0);
                Assert.True(written > 100);
                for (var i = written; i < written + 20; i++)
                {
                    var refused = await PutPairAsync(store, i);
                    Assert.Equal(CommitStatus.Unavailable, refused.Status);
                    Assert.Contains("full", refused.Reason, StringComparison.Ordinal);
                }

                await CheckAsync(store, written);

                File.Delete(ballast);
                var resumed = await FillAsync(store, written);
                Assert.True(resumed > written);
                written = resumed;
                await CheckAsync(store, written);
            }

            await using var again = SqliteStore.Open(data, options);
            await CheckAsync(again, written);
        }
        finally
        {
            await RunAsync("umount", _folder.Path);
        }
    }

    [Fact]
    public async Task When_syncs_fail_writes_are_refused_reads_go_on_and_writes_resume()
    {
        // The child creates the store untraced first, so that the counted syncs are those of its commits.
        await SqliteStore.Open(_folder.Path).DisposeAsync();
        using var child = ChildProcess.TryRun(
            "strace",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=fsync,fdatasync",
            "-e",
            "inject=fsync,fdatasync:error=EIO:when=20..29",
            ChildProcess.Executable,
            "write-store-in-turn",
            _folder.Path,
            "60"
        );
        if (child is null)
        {
            output.WriteLine("Left out: strace is not installed.");
            return;
        }

        var lines = (await child.Output.ReadToEndAsync(Cancellation)).Split(
            '\n',
            StringSplitOptions.RemoveEmptyEntries
        );
        Assert.Equal(0, await child.ExitAsync(Cancellation));
        Assert.Equal(60, lines.Length);

        var refused = lines.Where(line => !line.StartsWith("Committed there", StringComparison.Ordinal)).ToList();
        Assert.InRange(refused.Count, 5, 10);
        Assert.All(refused, line => Assert.Matches("^Unavailable absent [0-9]+ .*disk I/O error", line));
        Assert.StartsWith("Committed", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("Committed", lines[^1], StringComparison.Ordinal);

        await using var store = SqliteStore.Open(_folder.Path);
        foreach (var line in lines)
        {
            var name = line.Split(' ')[2];
            var isThere = await store.GetAsync(StoreKey.Root.Append(name), Cancellation) is not null;
            Assert.Equal(line.StartsWith("Committed", StringComparison.Ordinal), isThere);
        }
    }

    [Fact]
    public async Task What_was_refused_does_not_come_back_after_a_crash()
    {
        await SqliteStore.Open(_folder.Path).DisposeAsync();
        using var child = ChildProcess.TryRun(
            "strace",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=fsync,fdatasync",
            "-e",
            "inject=fsync,fdatasync:error=EIO:when=10+",
            ChildProcess.Executable,
            "write-store-in-turn",
            _folder.Path,
            "30",
            "stay"
        );
        if (child is null)
        {
            output.WriteLine("Left out: strace is not installed.");
            return;
        }

        var lines = new List<string>();
        while (lines.Count < 30 && await child.Output.ReadLineAsync(Cancellation) is { } line)
        {
            lines.Add(line);
        }

        // Kills the traced child too.
        child.Kill();
        var committed = lines.TakeWhile(line => line.StartsWith("Committed", StringComparison.Ordinal)).Count();
        Assert.InRange(committed, 1, 15);
        Assert.All(lines.Skip(committed), line => Assert.StartsWith("Unavailable", line, StringComparison.Ordinal));

        await using var store = await OpenWhenFreeAsync();
        Assert.Equal(committed, await store.CountAsync(StoreKey.Root, Cancellation));
    }

    private async Task<SqliteStore> OpenWhenFreeAsync()
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return SqliteStore.Open(_folder.Path);
            }
            catch (StoreUnavailableException) when (attempt < 100)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), Cancellation);
            }
        }
    }

    private static async Task<int> FillAsync(SqliteStore store, int from)
    {
        for (var i = from; ; i++)
        {
            if (!(await PutPairAsync(store, i)).Succeeded)
            {
                return i;
            }

            Assert.True(i < 100_000, "the disk does not fill");
        }
    }

    private static ValueTask<CommitResult> PutPairAsync(SqliteStore store, int number)
    {
        var batch = new Batch();
        batch.Put(StoreKey.Root.Append("first").Append("name" + number), new byte[3000]);
        batch.Put(StoreKey.Root.Append("second").Append("name" + number), new byte[3000]);
        return store.CommitAsync(batch, Cancellation);
    }

    private static async Task CheckAsync(SqliteStore store, int written)
    {
        Assert.Equal(written, await store.CountAsync(StoreKey.Root.Append("first"), Cancellation));
        Assert.Equal(written, await store.CountAsync(StoreKey.Root.Append("second"), Cancellation));
        for (var i = 0; i < written; i += 7)
        {
            var record = await store.GetAsync(StoreKey.Root.Append("second").Append("name" + i), Cancellation);
            Assert.Equal(3000, record!.Value.Length);
        }
    }

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        using var process = ChildProcess.TryRun(program, arguments);
        return process is not null && await process.ExitAsync(Cancellation) == 0;
    }
}
