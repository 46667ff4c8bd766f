using System.Collections.Concurrent;

namespace Mayfly.Agent.Proxy;

/// <summary>The responses that are kept, by request. Safe for concurrent use; reading takes no lock.</summary>
internal sealed class ResponseCache
{
    /// <summary>More responses are not kept.</summary>
    public const int MaxEntries = 10_000;

    /// <summary>More bytes are not kept.</summary>
    public const long MaxBytes = 16L * 1024 * 1024;

    private readonly ConcurrentDictionary<CacheKey, CachedResponse> _entries = new();
    private readonly Lock _gate = new();
    private long _bytes;

    public int Count => _entries.Count;

    public CachedResponse? Find(CacheKey key) => _entries.GetValueOrDefault(key);

    /// <summary>Keeps a response. False when there is no room, or the request's token was evicted meanwhile.</summary>
    public bool Add(CachedResponse response)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(response.Key, out var old))
            {
                Remove(old);
            }

            if (_entries.Count >= MaxEntries || _bytes + response.Body.Length > MaxBytes)
            {
                return false;
            }

            _entries[response.Key] = response;
            _bytes += response.Body.Length;
            return true;
        }
    }

    /// <summary>Whether a token was handed out by a response that is kept.</summary>
    public bool HandedOut(string token) => token.Length > 0 && _entries.Values.Any(entry => entry.HandedOut == token);

    public void Evict(CachedResponse response)
    {
        lock (_gate)
        {
            Remove(response);
        }
    }

    /// <summary>Evicts all that fit, and with a token what was had with it.</summary>
    /// <returns>How many went.</returns>
    public int Evict(Predicate<CachedResponse> fits)
    {
        lock (_gate)
        {
            var count = 0;
            foreach (var entry in _entries.Values.Where(entry => fits(entry)).ToList())
            {
                count += EvictWithDescendants(entry);
            }

            return count;
        }
    }

    /// <summary>A token is gone: what handed it out, what was had with it, and what its children had.</summary>
    public int EvictToken(string token, bool andChildren = true)
    {
        lock (_gate)
        {
            var count = 0;
            foreach (var entry in _entries.Values.Where(entry => entry.HandedOut == token).ToList())
            {
                count += Remove(entry);
            }

            foreach (var entry in _entries.Values.Where(entry => entry.Key.Token == token).ToList())
            {
                // An orphan does not die with who made it, and nobody does with a token that is revoked alone.
                if (entry.Kind != CachedKind.Token || (andChildren && !entry.IsOrphan))
                {
                    count += EvictWithDescendants(entry);
                }
            }

            return count;
        }
    }

    private int EvictWithDescendants(CachedResponse entry)
    {
        var count = Remove(entry);
        return count > 0 && entry.HandedOut is { } token ? count + EvictToken(token) : count;
    }

    private int Remove(CachedResponse entry)
    {
        if (!_entries.TryRemove(new KeyValuePair<CacheKey, CachedResponse>(entry.Key, entry)))
        {
            return 0;
        }

        entry.IsEvicted = true;
        _bytes -= entry.Body.Length;
        return 1;
    }
}
