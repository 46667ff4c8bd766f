using System.Security.Cryptography;
using Mayfly.Crypto;

namespace Mayfly.Tests.Crypto;

public sealed class Sha256Tests
{
    [Fact]
    public void Every_length_around_the_block_size_gives_the_frameworks_hash_and_hmac()
    {
        var key = RandomNumberGenerator.GetBytes(32);
        using var hmac = new HmacSha256(key);
        var made = new byte[Sha256.Size];
        for (var length = 0; length < 300; length++)
        {
            var data = RandomNumberGenerator.GetBytes(length);
            Sha256.HashData(data, made);
            Assert.Equal(SHA256.HashData(data), made);
            hmac.HashData(data, made);
            Assert.Equal(HMACSHA256.HashData(key, data), made);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(200)]
    public void Keys_of_any_length_are_taken(int length)
    {
        var key = RandomNumberGenerator.GetBytes(length);
        using var hmac = new HmacSha256(key);
        var made = new byte[Sha256.Size];
        hmac.HashData("data"u8, made);
        Assert.Equal(HMACSHA256.HashData(key, "data"u8), made);
    }

    [Fact]
    public void Many_threads_share_one_key()
    {
        var key = RandomNumberGenerator.GetBytes(32);
        using var hmac = new HmacSha256(key);
        Parallel.For(
            0,
            2_000,
            i =>
            {
                var data = BitConverter.GetBytes(i);
                var made = new byte[Sha256.Size];
                hmac.HashData(data, made);
                Assert.Equal(HMACSHA256.HashData(key, data), made);
            }
        );
    }
}
