using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Quotas;

/// <summary>
/// One rate limit at work: an <see cref="Allowance"/> for each client. Memory is bounded: when there are too many clients
/// at a time, those that are new share one allowance, so that many addresses are no way around the limit. Takes no lock, and
/// runs on the monotonic clock, so that setting the time changes nothing. Safe for concurrent use.
/// </summary>
internal sealed class RateLimiter
{
    /// <summary>How many clients have an allowance of their own at a time.</summary>
    public const int ClientLimit = 65_536;

    private readonly TimeProvider _time;
    private readonly RateTerms _terms;
    private readonly Allowance _shared = new();
    private readonly ConcurrentDictionary<UInt128, Allowance> _clients = new();
    private int _count;
    private long _nextSweep;

    public RateLimiter(RateLimitQuota quota, TimeProvider time)
    {
        _time = time;
        Quota = quota;
        var perRequest = Math.Max(1, quota.Interval.TotalSeconds * time.TimestampFrequency / quota.Rate);
        var capacity = perRequest * Math.Max(1, quota.Rate);
        _terms = new RateTerms(
            (long)Math.Min(perRequest, long.MaxValue / 8),
            (long)Math.Min(capacity, long.MaxValue / 8),
            (long)(quota.BlockInterval.TotalSeconds * time.TimestampFrequency)
        );
    }

    public RateLimitQuota Quota { get; }

    /// <summary>How many clients have an allowance of their own now.</summary>
    internal int Clients => Volatile.Read(ref _count);

    /// <summary>Takes one request of the client at <paramref name="address"/>.</summary>
    public RateStatus Take(IPAddress address)
    {
        var now = _time.GetTimestamp();
        var decision = AllowanceOf(address, now).Take(_terms, now);
        return new RateStatus(
            decision.Allowed,
            (long)Math.Max(1, Quota.Rate),
            decision.Remaining,
            Span(decision.FullIn),
            Span(decision.Wait)
        );
    }

    private TimeSpan Span(long ticks) => TimeSpan.FromSeconds(Math.Max(0, ticks) / (double)_time.TimestampFrequency);

    private Allowance AllowanceOf(IPAddress address, long now)
    {
        if (!Quota.PerAddress)
        {
            return _shared;
        }

        var client = ClientOf(address);
        if (_clients.TryGetValue(client, out var known))
        {
            return known;
        }

        if (Volatile.Read(ref _count) >= ClientLimit && !Sweep(now))
        {
            return _shared;
        }

        var added = new Allowance();
        var kept = _clients.GetOrAdd(client, added);
        if (ReferenceEquals(kept, added))
        {
            Interlocked.Increment(ref _count);
        }

        return kept;
    }

    /// <summary>Forgets clients that have not been there for long enough; at most once a second. Whether there is room.</summary>
    private bool Sweep(long now)
    {
        var due = Volatile.Read(ref _nextSweep);
        if (now < due || Interlocked.CompareExchange(ref _nextSweep, now + _time.TimestampFrequency, due) != due)
        {
            return false;
        }

        foreach (var (client, allowance) in _clients)
        {
            if (allowance.IsIdle(now) && _clients.TryRemove(KeyValuePair.Create(client, allowance)))
            {
                Interlocked.Decrement(ref _count);
            }
        }

        return Volatile.Read(ref _count) < ClientLimit;
    }

    /// <summary>
    /// An IPv4 address, or the first 64 bits of an IPv6 address: whoever has one of those networks has all its addresses.
    /// </summary>
    private static UInt128 ClientOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            return BinaryPrimitives.ReadUInt32BigEndian(bytes);
        }

        return address.IsIPv4MappedToIPv6
            ? BinaryPrimitives.ReadUInt32BigEndian(bytes[12..])
            : new UInt128(BinaryPrimitives.ReadUInt64BigEndian(bytes), 1);
    }
}
