using System.Collections.Concurrent;
using Mayfly.Core.Quotas;

namespace Mayfly.Core.Known;

/// <summary>
/// How many candidates may be asked about: whoever may ask can try guesses, and this is what limits them. It belongs to a set
/// of policies, so that making tokens makes no more of it. Safe for concurrent use.
/// </summary>
internal sealed class KnownBudget(TimeProvider time)
{
    /// <summary>Candidates in one hour. A scanner asks about one word in a thousand.</summary>
    public const int PerHour = 250_000;

    private const int MostSets = 10_000;

    private readonly ConcurrentDictionary<string, Allowance> _allowances = new(StringComparer.Ordinal);
    private readonly RateTerms _terms = new(
        Math.Max(1, time.TimestampFrequency * 3600 / PerHour),
        time.TimestampFrequency * 3600,
        Block: 0
    );

    /// <summary>Takes so many.</summary>
    /// <returns>How long to wait before it could be, or null when they were taken.</returns>
    public TimeSpan? Take(IReadOnlyList<string> policies, int count)
    {
        var now = time.GetTimestamp();
        if (_allowances.Count > MostSets)
        {
            foreach (var (set, idle) in _allowances)
            {
                if (idle.IsIdle(now))
                {
                    _allowances.TryRemove(set, out _);
                }
            }
        }

        var key = string.Join(',', policies.Order(StringComparer.Ordinal));
        var terms = _terms with { PerRequest = _terms.PerRequest * count };
        var decision = _allowances.GetOrAdd(key, _ => new Allowance()).Take(terms, now);
        return decision.Allowed
            ? null
            : TimeSpan.FromSeconds(Math.Ceiling(decision.Wait / (double)time.TimestampFrequency));
    }
}
