using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Engines;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Quotas;
using Mayfly.Core.Sys;

namespace Mayfly.Tests.Quotas;

public sealed class RateLimiterTests
{
    private static readonly IPAddress Client = IPAddress.Parse("192.0.2.1");

    /// <summary>The textbook's bucket: so many tokens, filled up evenly; a client that finds it empty may have to stay away.</summary>
    [Fact]
    public void Limits_as_a_token_bucket_does() =>
        Prop.ForAll(
                (
                    from rate in Gen.Choose(1, 20)
                    from seconds in Gen.Elements(1, 2, 60)
                    from block in Gen.Elements(0, 0, 5)
                    from pauses in Gen.Choose(0, 4000).ListOf()
                    select (rate, seconds, block, pauses.ToArray())
                ).ToArbitrary(),
                drawn =>
                {
                    var (rate, seconds, block, pauses) = drawn;
                    var time = new ManualTime();
                    var limiter = Limiter(time, rate, seconds, block);
                    double tokens = rate;
                    var blockedUntil = TimeSpan.Zero;
                    var now = TimeSpan.Zero;
                    foreach (var pause in pauses)
                    {
                        var by = TimeSpan.FromMilliseconds(pause * seconds / 4.0 + 0.37);
                        time.Advance(by);
                        now += by;
                        tokens = Math.Min(rate, tokens + by.TotalSeconds * rate / seconds);
                        for (var i = 0; i < 3; i++)
                        {
                            var expected = now >= blockedUntil && tokens >= 1;
                            if (Math.Abs(tokens - Math.Round(tokens)) < 1e-4)
                            {
                                // Too close for the model's arithmetic: whatever the limiter says is right.
                                expected = limiter.Take(Client).Allowed;
                            }
                            else if (limiter.Take(Client).Allowed != expected)
                            {
                                return false;
                            }

                            tokens -= expected ? 1 : 0;
                            if (!expected && now >= blockedUntil && block > 0)
                            {
                                blockedUntil = now + TimeSpan.FromSeconds(block);
                            }
                        }
                    }

                    return true;
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void Many_threads_get_together_what_one_would()
    {
        var limiter = Limiter(new ManualTime(), rate: 1000, seconds: 1, block: 0);
        var allowed = 0;
        Parallel.For(
            0,
            8,
            _ =>
            {
                for (var i = 0; i < 1000; i++)
                {
                    if (limiter.Take(Client).Allowed)
                    {
                        Interlocked.Increment(ref allowed);
                    }
                }
            }
        );

        Assert.Equal(1000, allowed);
    }

    [Fact]
    public void One_address_does_not_use_up_what_another_has()
    {
        var limiter = Limiter(new ManualTime(), rate: 2, seconds: 1, block: 0);
        var other = IPAddress.Parse("192.0.2.2");

        Assert.Equal([true, true, false], Take(limiter, Client, 3));
        Assert.Equal([true, true, false], Take(limiter, other, 3));
    }

    [Fact]
    public void Addresses_of_one_IPv6_network_are_one_client()
    {
        var limiter = Limiter(new ManualTime(), rate: 2, seconds: 1, block: 0);

        Assert.True(limiter.Take(IPAddress.Parse("2001:db8::1")).Allowed);
        Assert.True(limiter.Take(IPAddress.Parse("2001:db8::2")).Allowed);
        Assert.False(limiter.Take(IPAddress.Parse("2001:db8::3:4")).Allowed);
        Assert.True(limiter.Take(IPAddress.Parse("2001:db8:0:1::1")).Allowed);
        Assert.Equal([true, true, false], Take(limiter, IPAddress.Parse("::ffff:192.0.2.1"), 3));
        Assert.False(limiter.Take(Client).Allowed);
    }

    [Fact]
    public void Clients_that_are_too_many_share_one_allowance_until_others_are_idle()
    {
        var time = new ManualTime();
        var limiter = Limiter(time, rate: 1, seconds: 60, block: 0);
        for (var i = 0; i < RateLimiter.ClientLimit; i++)
        {
            Assert.True(limiter.Take(Address(i)).Allowed);
        }

        var late = Enumerable.Range(RateLimiter.ClientLimit, 100).Select(i => limiter.Take(Address(i)).Allowed);
        Assert.Equal(1, late.Count(allowed => allowed));
        Assert.Equal(RateLimiter.ClientLimit, limiter.Clients);

        time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(100, Enumerable.Range(RateLimiter.ClientLimit, 100).Count(i => limiter.Take(Address(i)).Allowed));
        Assert.Equal(100, limiter.Clients);
    }

    [Fact]
    public void Fractions_of_a_request_add_up()
    {
        var time = new ManualTime();
        var limiter = Limiter(time, rate: 0.5, seconds: 1, block: 0);

        Assert.Equal([true, false], Take(limiter, Client, 2));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([false], Take(limiter, Client, 1));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([true, false], Take(limiter, Client, 2));
    }

    [Fact]
    public void What_is_left_and_how_long_to_wait_is_said()
    {
        var time = new ManualTime();
        var limiter = Limiter(time, rate: 4, seconds: 8, block: 0);

        Assert.Equal(3, limiter.Take(Client).Remaining);
        Assert.Equal(2, limiter.Take(Client).Remaining);
        Assert.Equal(1, limiter.Take(Client).Remaining);
        var last = limiter.Take(Client);
        Assert.Equal(0, last.Remaining);
        Assert.Equal(TimeSpan.FromSeconds(8), last.Reset);
        var refused = limiter.Take(Client);
        Assert.False(refused.Allowed);
        Assert.Equal(TimeSpan.FromSeconds(2), refused.RetryAfter);
        Assert.Equal(4, refused.Limit);
    }

    [Fact]
    public async Task Checking_a_request_allocates_nothing()
    {
        var time = new ManualTime();
        var quota = new RateLimitQuota("q", new QuotaScope("kv_1", "data/app*", ""))
        {
            Rate = 1e9,
            Interval = TimeSpan.FromSeconds(1),
        };
        var limits = new RateLimits([new RateLimiter(quota, time)], new QuotaConfig());
        await using var engine = new SysEngine([]);
        var mount = new Mount
        {
            Uuid = "1",
            Kind = EngineKind.Secrets,
            Path = "secret/",
            Type = "kv",
            Accessor = "kv_1",
        };
        var mounted = new MountedEngine(mount, engine);
        using var request = new Request
        {
            Id = "1",
            Operation = Operation.Read,
            Path = "secret/data/app/db",
            RemoteAddress = Client,
        };
        Assert.True(await IsAllowedAsync());

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            var taken = limits.TakeAsync(request, mounted, CancellationToken.None);
            Assert.True(taken.IsCompletedSuccessfully);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        async Task<bool> IsAllowedAsync() =>
            (await limits.TakeAsync(request, mounted, CancellationToken.None)) is { Status.Allowed: true };
    }

    private static RateLimiter Limiter(ManualTime time, double rate, int seconds, int block) =>
        new(
            new RateLimitQuota("q", QuotaScope.Everything)
            {
                Rate = rate,
                Interval = TimeSpan.FromSeconds(seconds),
                BlockInterval = TimeSpan.FromSeconds(block),
            },
            time
        );

    private static bool[] Take(RateLimiter limiter, IPAddress client, int times) =>
        [.. Enumerable.Range(0, times).Select(_ => limiter.Take(client).Allowed)];

    private static IPAddress Address(int i) => new([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]);
}
