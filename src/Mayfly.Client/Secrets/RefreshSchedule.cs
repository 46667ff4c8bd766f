using System.Security.Cryptography;

namespace Mayfly.Client.Secrets;

/// <summary>How long to wait for what. Pure, but for the dice.</summary>
internal static class RefreshSchedule
{
    /// <summary>A value is not read again sooner, unless its TTL is shorter.</summary>
    public static readonly TimeSpan Soonest = TimeSpan.FromSeconds(10);

    /// <summary>A consumer that is not heard of for five minutes counts as gone; so it reads more often than that.</summary>
    public static readonly TimeSpan ConsumerLifeSign = TimeSpan.FromMinutes(4);

    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);

    /// <summary>A source that asks for more patience than this is asked again nevertheless: it may have meant something else.</summary>
    private static readonly TimeSpan LongestAsked = TimeSpan.FromMinutes(5);

    /// <summary>What the source says of a TTL counts, where it is shorter than the set one; but not below <see cref="Soonest"/>.</summary>
    public static TimeSpan Ttl(TimeSpan set, TimeSpan? said) =>
        said is not { } hint || hint >= set ? set
        : hint > Soonest ? hint
        : set < Soonest ? set
        : Soonest;

    /// <summary>From a read to the next: a point in the window that ends at <paramref name="at"/> of the TTL.</summary>
    public static TimeSpan Refresh(TimeSpan ttl, double at, double jitter)
    {
        var latest = AtLeast(ttl * at, ttl);
        var earliest = AtLeast(ttl * Math.Max(0, at - jitter), ttl);
        return earliest + Spread(latest - earliest);
    }

    /// <summary>From a grant of a lease to its renewal: two thirds of it, up to a tenth of it sooner.</summary>
    public static TimeSpan Renewal(TimeSpan duration) => duration * (2.0 / 3) - Spread(duration / 10);

    /// <summary>From a grant of a lease that cannot be renewed to the next: <paramref name="at"/> of it, up to a tenth of it sooner.</summary>
    public static TimeSpan Replacement(TimeSpan duration, double at) =>
        (duration * at) - Spread(duration * Math.Min(at, 0.1));

    /// <summary>From a failure to the next attempt.</summary>
    public static TimeSpan Retry(int failures, TimeSpan longest, TimeSpan? asked)
    {
        var ceiling = FirstRetry * Math.Pow(2, Math.Min(failures - 1, 16));
        ceiling = ceiling < longest ? ceiling : longest;
        var jittered = (ceiling / 2) + Spread(ceiling / 2);
        return asked is not { } wait || wait <= jittered ? jittered
            : wait <= LongestAsked ? wait
            : LongestAsked - Spread(LongestAsked / 10);
    }

    /// <summary>The shorter one.</summary>
    public static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other;

    /// <summary>A random part of <paramref name="window"/>.</summary>
    public static TimeSpan Spread(TimeSpan window) =>
        window <= TimeSpan.Zero
            ? TimeSpan.Zero
            : window * (RandomNumberGenerator.GetInt32(1 << 20) / (double)(1 << 20));

    private static TimeSpan AtLeast(TimeSpan delay, TimeSpan ttl) => ttl > Soonest && delay < Soonest ? Soonest : delay;
}
