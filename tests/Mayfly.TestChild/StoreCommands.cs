using System.Globalization;
using System.Text;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Sqlite;

namespace Mayfly.TestChild;

internal static class StoreCommands
{
    private static readonly Lock Gate = new();
    private static readonly Stream Output = Console.OpenStandardOutput();

    /// <summary>Opens and closes; an error's message goes out.</summary>
    public static async Task<int> OpenAsync(string folder)
    {
        try
        {
            await using var store = SqliteStore.Open(folder);
            Say("opened");
            return 0;
        }
        catch (StoreUnavailableException e)
        {
            Say(e.Message);
            return 1;
        }
    }

    /// <summary>
    /// Writes from many callers until it is killed. Each acknowledged commit is a line: the name, which is also what the
    /// value starts with. Each batch writes two records that belong together.
    /// </summary>
    public static async Task<int> WriteAsync(string folder)
    {
        // A small limit, so that many of the kills meet a checkpoint.
        var store = SqliteStore.Open(folder, new SqliteStoreOptions { CheckpointBytes = 256 * 1024 });
        var run = Guid.NewGuid().ToString("N");
        await Task.WhenAll(Enumerable.Range(0, 16).Select(caller => Task.Run(() => CallAsync(caller))));
        return 0;

        async Task CallAsync(int caller)
        {
            for (var i = 0; ; i++)
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"{run}-{caller}-{i}");
                var batch = new Batch();
                batch.Put(StoreKey.Root.Append("first").Append(name), Value(name, i));
                batch.Put(StoreKey.Root.Append("second").Append(name), Value(name, i), due: i);
                var result = await store.CommitAsync(batch, CancellationToken.None);
                Say(result.Succeeded ? name : "failed: " + result.Reason);
            }
        }
    }

    /// <summary>
    /// Writes and reads one after another; each outcome is a line. Then ends, or stays with the store open to be killed.
    /// </summary>
    public static async Task<int> WriteInTurnAsync(string folder, int count, bool stay)
    {
        await using var store = SqliteStore.Open(folder);
        for (var i = 0; i < count; i++)
        {
            var name = i.ToString(CultureInfo.InvariantCulture);
            var key = StoreKey.Root.Append(name);
            var batch = new Batch();
            batch.Put(key, Value(name, i));
            var result = await store.CommitAsync(batch, CancellationToken.None);
            var isThere = await store.GetAsync(key, CancellationToken.None) is not null;
            Say($"{result.Status} {(isThere ? "there" : "absent")} {name} {result.Reason}");
        }

        if (stay)
        {
            await Task.Delay(Timeout.Infinite);
        }

        return 0;
    }

    private static byte[] Value(string name, int number) =>
        Encoding.ASCII.GetBytes(name.PadRight(name.Length + (number * 37 % 3000), '.'));

    private static void Say(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line + "\n");
        lock (Gate)
        {
            Output.Write(bytes);
            Output.Flush();
        }
    }
}
