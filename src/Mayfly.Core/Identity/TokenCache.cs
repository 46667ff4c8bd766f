using System.Collections.Concurrent;

namespace Mayfly.Core.Identity;

/// <summary>
/// Parsed token records by digest, bounded. A record read while its token was being changed is not kept: a writer calls
/// <see cref="Forget"/> before and after its commit, and a reader hands back the stamp that it took before reading.
/// Safe for concurrent use.
/// </summary>
internal sealed class TokenCache(int limit = 32_768)
{
    private const int Stripes = 256;

    // The two tables change together: a token that stood in one alone could be found after it was forgotten.
    private readonly Lock _changing = new();
    private readonly Dictionary<string, CachedToken> _byAccessor = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<TokenDigest, CachedToken> _byDigest = new();
    private readonly long[] _stamps = new long[Stripes];

    public CachedToken? Find(TokenDigest digest) => _byDigest.GetValueOrDefault(digest);

    public long Stamp(string accessor) => Volatile.Read(ref _stamps[Stripe(accessor)]);

    public void Keep(TokenDigest digest, CachedToken token, long stamp)
    {
        lock (_changing)
        {
            if (Stamp(token.Entry.Accessor) != stamp)
            {
                return;
            }

            if (_byAccessor.Count >= limit)
            {
                MakeRoom();
            }

            _byAccessor[token.Entry.Accessor] = token;
            _byDigest[digest] = token;
        }
    }

    public void Forget(string accessor)
    {
        lock (_changing)
        {
            Interlocked.Increment(ref _stamps[Stripe(accessor)]);
            if (_byAccessor.Remove(accessor, out var token))
            {
                _byDigest.TryRemove(token.Digest, out _);
            }
        }
    }

    /// <summary>Drops an eighth, in no order: what is in use comes back at its next request.</summary>
    private void MakeRoom()
    {
        foreach (var (accessor, token) in _byAccessor.Take(Math.Max(1, limit / 8)).ToList())
        {
            _byAccessor.Remove(accessor);
            _byDigest.TryRemove(token.Digest, out _);
        }
    }

    private static int Stripe(string accessor) =>
        (int)((uint)string.GetHashCode(accessor, StringComparison.Ordinal) % Stripes);
}

/// <summary>A token record as it was read.</summary>
internal sealed class CachedToken(TokenDigest digest, TokenEntry entry, long version)
{
    public TokenDigest Digest { get; } = digest;

    public TokenEntry Entry { get; } = entry;

    /// <summary>The record's version in the store.</summary>
    public long Version { get; } = version;
}
