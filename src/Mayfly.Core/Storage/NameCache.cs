using System.Collections.Concurrent;

namespace Mayfly.Core.Storage;

/// <summary>
/// Remembers where paths stand, which never changes while a keyring lives. Bounded: it has a young and an old half; when the
/// young one is full it becomes the old one, and what is still in use moves back. So at no time is everything forgotten at once.
/// Reading takes no lock. Safe for concurrent use.
/// </summary>
internal sealed class NameCache(int capacity = NameCache.DefaultCapacity)
{
    public const int DefaultCapacity = 32_768;

    private readonly Lock _gate = new();
    private volatile Half? _young;
    private volatile Half? _old;

    public int Count => (_young?.Keys.Count ?? 0) + (_old?.Keys.Count ?? 0);

    public bool TryGet(ReadOnlySpan<char> path, out StoreKey key)
    {
        if (_young is { } young && young.ByPath.TryGetValue(path, out key))
        {
            return true;
        }

        if (_old is { } old && old.ByPath.TryGetValue(path, out key))
        {
            Add(path.ToString(), key);
            return true;
        }

        key = default;
        return false;
    }

    public void Add(string path, StoreKey key)
    {
        var young = _young;
        if (young is null || young.Added >= capacity / 2)
        {
            young = Renew(young);
        }

        if (young.Keys.TryAdd(path, key))
        {
            Interlocked.Increment(ref young.Added);
        }
    }

    private Half Renew(Half? full)
    {
        lock (_gate)
        {
            if (_young == full)
            {
                _old = full;
                _young = new Half();
            }

            return _young!;
        }
    }

    private sealed class Half
    {
        // Counting a concurrent dictionary takes all of its locks.
        public int Added;

        public Half() => ByPath = Keys.GetAlternateLookup<ReadOnlySpan<char>>();

        public ConcurrentDictionary<string, StoreKey> Keys { get; } = new(StringComparer.Ordinal);

        public ConcurrentDictionary<string, StoreKey>.AlternateLookup<ReadOnlySpan<char>> ByPath { get; }
    }
}
