using System.Collections.Concurrent;
using System.Net;

namespace Mayfly.Core.Pipeline;

/// <summary>
/// Slows down guessing on paths that anybody may call: an address that keeps failing has to wait. What succeeds is never
/// counted, so honest clients do not notice. Memory is bounded. Safe for concurrent use.
/// </summary>
internal sealed class FailureLimit(TimeProvider time)
{
    /// <summary>Failures that an address may have before it has to wait.</summary>
    public const int Burst = 300;

    /// <summary>How fast they are forgiven.</summary>
    public const int PerSecond = 20;

    private const int AddressLimit = 65_536;

    private readonly ConcurrentDictionary<IPAddress, (double Failures, long At)> _failures = new();

    /// <summary>Zero, or how long the address has to wait.</summary>
    public TimeSpan Wait(IPAddress address)
    {
        if (!_failures.TryGetValue(address, out var known))
        {
            return TimeSpan.Zero;
        }

        var left = Left(known);
        if (left <= 0)
        {
            _failures.TryRemove(address, out _);
        }

        return left < Burst ? TimeSpan.Zero : TimeSpan.FromSeconds((left - Burst + 1) / PerSecond);
    }

    public void Count(IPAddress address)
    {
        if (_failures.Count >= AddressLimit)
        {
            foreach (var (stale, known) in _failures)
            {
                if (Left(known) <= 0)
                {
                    _failures.TryRemove(stale, out _);
                }
            }

            if (_failures.Count >= AddressLimit)
            {
                _failures.Clear();
            }
        }

        _failures.AddOrUpdate(
            address,
            _ => (1, time.GetTimestamp()),
            (_, known) => (Math.Max(0, Left(known)) + 1, time.GetTimestamp())
        );
    }

    /// <summary>By the clock that only goes forward: nobody waits for a year because the time of day was wrong for a while.</summary>
    private double Left((double Failures, long At) known) =>
        known.Failures - time.GetElapsedTime(known.At).TotalSeconds * PerSecond;
}
