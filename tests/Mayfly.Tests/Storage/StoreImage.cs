using System.Text;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Sqlite;

namespace Mayfly.Tests.Storage;

/// <summary>A store with records of all kinds, and its files as a crash would leave them.</summary>
internal sealed class StoreImage
{
    private static readonly string[] Names = ["mayfly.db", "mayfly.db-wal", "high-water"];

    private readonly Dictionary<string, byte[]> _files = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, byte[]> Files => _files;

    /// <summary>What is in the store, in a form that can be compared.</summary>
    public Contents Expected { get; private init; } = null!;

    /// <param name="folder">Where the store is made.</param>
    /// <param name="closed">Whether it was closed in good order, so that everything is in the data file.</param>
    /// <param name="cancellation">Ends it early.</param>
    public static async Task<StoreImage> CreateAsync(string folder, bool closed, CancellationToken cancellation)
    {
        var options = new SqliteStoreOptions { CheckpointBytes = 300_000 };
        var store = SqliteStore.Open(folder, options);
        for (var i = 0; i < 300; i++)
        {
            var batch = new Batch();
            var key = StoreKey
                .Root.Append("folder" + (i % 5))
                .Append($"name-{i * 7919 % 1000:0000}-{new string('n', i % 90)}");
            var length = i % 40 == 0 ? 9000 : i % 500;
            batch.Put(
                key,
                Encoding.ASCII.GetBytes(new string((char)('a' + (i % 26)), length)),
                due: i % 3 == 0 ? i : null
            );
            batch.Put(key.Append("below"), Encoding.ASCII.GetBytes($"below {i}"));
            if (i % 10 == 9)
            {
                batch.Delete(StoreKey.Root.Append("folder0").Append("gone"));
            }

            var result = await store.CommitAsync(batch, cancellation);
            Assert.True(result.Succeeded, result.Reason);
        }

        var expected = await Contents.ReadAsync(store, keys: null, cancellation);
        if (closed)
        {
            await store.DisposeAsync();
        }

        var image = new StoreImage { Expected = expected };
        foreach (var name in Names.Where(name => File.Exists(Path.Combine(folder, name))))
        {
            image._files[name] = await File.ReadAllBytesAsync(Path.Combine(folder, name), cancellation);
        }

        await store.DisposeAsync();
        return image;
    }

    /// <summary>Puts the files into a folder, one of them with a flipped bit.</summary>
    public void Restore(string folder, string? damaged = null, long bit = 0)
    {
        Directory.CreateDirectory(folder);
        foreach (var name in Names)
        {
            var path = Path.Combine(folder, name);
            File.Delete(path);
            if (!_files.TryGetValue(name, out var bytes))
            {
                continue;
            }

            if (name == damaged)
            {
                bytes = [.. bytes];
                bytes[bit / 8] ^= (byte)(1 << (int)(bit % 8));
            }

            File.WriteAllBytes(path, bytes);
        }
    }

    /// <summary>Everything that the reads of a store give.</summary>
    internal sealed record Contents(string Records, string Lists, string Due, long Count, IReadOnlyList<StoreKey> Keys)
    {
        /// <summary>Reads by all ways; by key too when the keys are known.</summary>
        public static async Task<Contents> ReadAsync(
            SqliteStore store,
            IReadOnlyList<StoreKey>? keys,
            CancellationToken cancellation
        )
        {
            var scanned = await store.ScanAsync(StoreKey.Root, null, int.MaxValue, cancellation);
            keys ??= [.. scanned.Select(found => found.Key)];
            var records = new StringBuilder();
            foreach (var key in keys)
            {
                var record = await store.GetAsync(key, cancellation);
                records.AppendLine(record is null ? $"{key} absent" : Line(key, record));
            }

            Assert.Equal(
                records.ToString(),
                string.Concat(scanned.Select(found => Line(found.Key, found.Record) + "\n"))
            );

            var lists = new StringBuilder();
            foreach (var folder in keys.Select(key => Parent(key)).Append(StoreKey.Root).Distinct().Order())
            {
                var children = await store.ListAsync(folder, cancellation);
                lists
                    .AppendJoin(' ', children.Select(c => Convert.ToHexString(c.Segment.Span) + c.IsFolder))
                    .AppendLine();
            }

            var due = await store.DueAsync(long.MaxValue, int.MaxValue, cancellation);
            var next = await store.NextDueAsync(cancellation);
            return new Contents(
                records.ToString(),
                lists.ToString(),
                next + string.Concat(due.Select(found => Line(found.Key, found.Record) + "\n")),
                await store.CountAsync(StoreKey.Root, cancellation),
                keys
            );
        }

        private static string Line(StoreKey key, StoredRecord record) =>
            $"{key} {record.Version} {record.Due} {Convert.ToHexString(record.Value.Span)}";

        private static StoreKey Parent(StoreKey key)
        {
            var folder = StoreKey.Root;
            while (true)
            {
                var segment = key.ChildOf(folder, out var more);
                if (!more)
                {
                    return folder;
                }

                folder = folder.Append(segment);
            }
        }
    }
}
