using System.Numerics;
using System.Text;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Sqlite;

namespace Mayfly.Tests.Storage;

/// <summary>Death without warning.</summary>
public sealed class SqliteKillTests
{
    private const int Kills = 200;
    private const int Lanes = 2;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_acknowledged_write_is_lost_in_two_hundred_kills()
    {
        var acknowledged = await Task.WhenAll(Enumerable.Range(0, Lanes).Select(LaneAsync));
        Assert.All(acknowledged, count => Assert.True(count > 100, "the children hardly wrote anything"));
    }

    private static async Task<int> LaneAsync(int lane)
    {
        using var folder = new TempFolder();
        var names = new List<string>();
        for (var round = 0; round < Kills / Lanes; round++)
        {
            var moment = (int)(BitOperations.Crc32C((uint)lane, (uint)round) % 1000);
            names.Clear();
            await KillAfterAsync(folder.Path, moment, names);
            if (!Directory.Exists(folder.Path))
            {
                continue;
            }

            await using var store = SqliteStore.Open(folder.Path);
            foreach (var name in names)
            {
                foreach (var side in new[] { "first", "second" })
                {
                    var record = await store.GetAsync(StoreKey.Root.Append(side).Append(name), Cancellation);
                    Assert.True(record is not null, $"{side}/{name} was acknowledged and is lost in round {round}");
                    Assert.Equal(name, Encoding.ASCII.GetString(record.Value.Span).TrimEnd('.'));
                }
            }

            var first = await store.CountAsync(StoreKey.Root.Append("first"), Cancellation);
            var second = await store.CountAsync(StoreKey.Root.Append("second"), Cancellation);
            Assert.Equal(first, second);
        }

        await using var last = SqliteStore.Open(folder.Path);
        return (int)await last.CountAsync(StoreKey.Root.Append("first"), Cancellation);
    }

    /// <summary>
    /// Lets a child write, and kills it: some as soon as it starts, most after it acknowledged some number of writes.
    /// </summary>
    private static async Task KillAfterAsync(string folder, int moment, List<string> names)
    {
        using var child = ChildProcess.Start("write-store", folder);
        if (moment < 50)
        {
            // Anywhere between its start and its first commit.
            await Task.Delay(TimeSpan.FromMilliseconds(moment * 3), Cancellation);
        }
        else
        {
            while (names.Count < moment && await child.Output.ReadLineAsync(Cancellation) is { } line)
            {
                names.Add(line);
            }
        }

        child.Kill();

        // What it said before it died was acknowledged too; a line that was cut is none.
        var rest = await child.Output.ReadToEndAsync(Cancellation);
        var end = rest.LastIndexOf('\n');
        if (end >= 0)
        {
            names.AddRange(rest[..end].Split('\n'));
        }

        await child.ExitAsync(Cancellation);
        Assert.DoesNotContain(names, name => name.StartsWith("failed", StringComparison.Ordinal));
    }
}
