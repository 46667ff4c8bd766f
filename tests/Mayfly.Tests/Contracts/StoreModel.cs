using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Storage;
using Mayfly.Tests.Storage;

namespace Mayfly.Tests.Contracts;

/// <summary>A store, said in the plainest way: a sorted dictionary. Random steps must look the same in both.</summary>
internal sealed class StoreModel(IStore store, StoreKey root, CancellationToken cancellation)
{
    // Records that are folders too, neighbours, and the bytes at both ends.
    private static readonly string[][] Paths =
    [
        ["a"],
        ["a", "b"],
        ["a", "b", "c"],
        ["a", "bb"],
        ["b"],
        ["b", "\0"],
        ["b", "\u00ff\u00ff"],
        ["\0"],
        ["\u00ff"],
        ["\u00ff", "\u00ff"],
        ["\u00ff\u00ff"],
    ];

    private readonly SortedDictionary<StoreKey, StoredRecord> _records = [];
    private readonly StoreKey[] _keys =
    [
        .. Paths.Select(path =>
            path.Aggregate(root, (key, name) => key.Append(System.Text.Encoding.Latin1.GetBytes(name)))
        ),
    ];

    /// <summary>One batch: up to three different keys.</summary>
    public sealed record Step(IReadOnlyList<(int Kind, int Key, int Size, int Due)> Writes, int Guess);

    public static Arbitrary<Step[]> Steps
    {
        get
        {
            var write =
                from kind in Gen.Choose(0, 3)
                from key in Gen.Choose(0, Paths.Length - 1)
                from size in Gen.Choose(0, 6000)
                from due in Gen.Choose(-3, 5)
                select (kind, key, size, due);
            var step =
                from writes in Gen.ListOf(write, 3)
                from guess in Gen.Choose(0, 9)
                select new Step([.. writes.DistinctBy(one => one.key)], guess);
            return Gen.ArrayOf(step, 20).ToArbitrary();
        }
    }

    public async Task RunAsync(Step[] steps)
    {
        foreach (var step in steps)
        {
            await CommitAsync(step);
        }

        await CompareAsync();
    }

    private async Task CommitAsync(Step step)
    {
        var batch = new Batch();
        var holds = true;
        foreach (var (kind, key, size, due) in step.Writes)
        {
            // Mostly right or absent, sometimes wrong.
            var version = _records.GetValueOrDefault(_keys[key])?.Version ?? 0;
            long? expected = step.Guess switch
            {
                < 5 => null,
                < 9 => version,
                _ => version + 1,
            };
            holds &= expected is null || expected == version;
            if (kind == 0)
            {
                batch.Delete(_keys[key], expected);
            }
            else if (kind == 1 && expected is { } wanted)
            {
                batch.Expect(_keys[key], wanted);
            }
            else
            {
                batch.Put(_keys[key], new byte[size], due < 0 ? null : due, expected);
            }
        }

        var result = await store.CommitAsync(batch, cancellation);
        Assert.Equal(holds ? CommitStatus.Committed : CommitStatus.Conflict, result.Status);
        foreach (var write in batch.Writes.Where(write => holds && write.Kind != WriteKind.Expect))
        {
            _records.Remove(write.Key);
            if (write.Kind == WriteKind.Put)
            {
                _records.Add(write.Key, new StoredRecord(write.Value, result.Sequence, write.Due));
            }
        }
    }

    private async Task CompareAsync()
    {
        foreach (var key in _keys)
        {
            Assert.Equal(Shown(_records.GetValueOrDefault(key)), Shown(await store.GetAsync(key, cancellation)));
        }

        foreach (var folder in _keys.Append(root))
        {
            var below = _records.Where(pair => pair.Key.StartsWith(folder) && pair.Key != folder).ToList();
            Assert.Equal(below.Count, await store.CountAsync(folder, cancellation));

            var scanned = await store.ScanAsync(folder, null, int.MaxValue, cancellation);
            Assert.Equal(below.Select(pair => pair.Key), scanned.Select(found => found.Key));
            Assert.Equal(below.Select(pair => Shown(pair.Value)), scanned.Select(found => Shown(found.Record)));

            var listed = await store.ListAsync(folder, cancellation);
            Assert.Equal(
                below.Select(pair => Name(pair.Key, folder)).Distinct().Order(StringComparer.Ordinal),
                listed
                    .Select(child => Convert.ToHexString(child.Segment.Span) + child.IsFolder)
                    .Order(StringComparer.Ordinal)
            );
        }

        var due = (await store.DueAsync(4, int.MaxValue, cancellation))
            .Where(found => found.Key.StartsWith(root))
            .ToList();
        Assert.Equal(due.Select(found => found.Record.Due).Order(), due.Select(found => found.Record.Due));
        Assert.Equal(
            _records.Where(pair => pair.Value.Due <= 4).Select(pair => pair.Key),
            due.Select(found => found.Key).Order()
        );
    }

    private static string Name(StoreKey key, StoreKey folder)
    {
        var segment = key.ChildOf(folder, out var isFolder);
        return Convert.ToHexString(segment) + isFolder;
    }

    private static string Shown(StoredRecord? record) =>
        record is null ? "absent" : $"{record.Version} {record.Due} {record.Value.Length}";
}
