namespace Mayfly.Core.Quotas;

/// <summary>
/// What one client may still do under a rate limit: a bucket that holds one interval's worth of requests and fills up
/// again evenly. It is one number, the time at which the bucket would be full (the generic cell rate algorithm, ITU-T I.371),
/// and one for a client that has to stay away; both change without a lock. Safe for concurrent use.
/// </summary>
internal sealed class Allowance
{
    private long _fullAt;
    private long _blockedUntil;

    /// <summary>Takes one request's worth.</summary>
    /// <param name="terms">The limit.</param>
    /// <param name="now">In ticks of the same clock as always.</param>
    public RateDecision Take(in RateTerms terms, long now)
    {
        if (Volatile.Read(ref _blockedUntil) is var blocked && blocked > now)
        {
            return new RateDecision(false, 0, blocked - now, blocked - now);
        }

        while (true)
        {
            var fullAt = Volatile.Read(ref _fullAt);
            var next = Math.Max(fullAt, now) + terms.PerRequest;
            if (next - now > terms.Capacity)
            {
                var wait = next - now - terms.Capacity;
                if (terms.Block > 0)
                {
                    Volatile.Write(ref _blockedUntil, now + terms.Block);
                    wait = terms.Block;
                }

                return new RateDecision(false, 0, fullAt - now, wait);
            }

            if (Interlocked.CompareExchange(ref _fullAt, next, fullAt) == fullAt)
            {
                return new RateDecision(true, (terms.Capacity - (next - now)) / terms.PerRequest, next - now, 0);
            }
        }
    }

    /// <summary>Whether forgetting it changes nothing.</summary>
    public bool IsIdle(long now) => Volatile.Read(ref _fullAt) <= now && Volatile.Read(ref _blockedUntil) <= now;
}

/// <summary>A rate limit in ticks of the clock. Immutable.</summary>
/// <param name="PerRequest">How long a request's worth takes to come back; at least 1.</param>
/// <param name="Capacity">What the bucket holds; at least one request's worth.</param>
/// <param name="Block">How long a client has to stay away that made too many; 0 for no longer than needed.</param>
internal readonly record struct RateTerms(long PerRequest, long Capacity, long Block);

/// <summary>What became of a request; times are ticks of the clock.</summary>
/// <param name="Allowed">It may go on.</param>
/// <param name="Remaining">Requests that could follow at once.</param>
/// <param name="FullIn">Until nothing of the past counts any more.</param>
/// <param name="Wait">Until the next request may be made; 0 when it was allowed.</param>
internal readonly record struct RateDecision(bool Allowed, long Remaining, long FullIn, long Wait);
