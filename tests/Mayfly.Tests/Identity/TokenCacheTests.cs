using Mayfly.Core.Identity;

namespace Mayfly.Tests.Identity;

public sealed class TokenCacheTests
{
    [Fact]
    public void What_is_forgotten_is_not_found_however_full_the_cache_was()
    {
        var tokens = Enumerable.Range(0, 64).Select(Token).ToArray();
        for (var round = 0; round < 300; round++)
        {
            var cache = new TokenCache(limit: 8);
            Parallel.For(
                0,
                4,
                worker =>
                {
                    for (var i = 0; i < 200; i++)
                    {
                        // The same token is kept by several readers at once, as at its first requests.
                        var token = tokens[((i * 7) + (worker / 2)) % tokens.Length];
                        var stamp = cache.Stamp(token.Entry.Accessor);
                        cache.Keep(token.Digest, new CachedToken(token.Digest, token.Entry, 1), stamp);
                    }
                }
            );

            foreach (var token in tokens)
            {
                cache.Forget(token.Entry.Accessor);
                Assert.Null(cache.Find(token.Digest));
            }
        }
    }

    private static CachedToken Token(int number)
    {
        var hash = new byte[32];
        hash[31] = (byte)number;
        hash[15] = (byte)number;
        var entry = new TokenEntry
        {
            Accessor = $"a{number}",
            Type = TokenType.Service,
            Policies = [],
            Path = "x",
            CreatedAt = DateTimeOffset.UnixEpoch,
        };
        return new CachedToken(new TokenDigest(hash), entry, 1);
    }
}
