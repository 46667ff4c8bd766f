using System.Collections.Concurrent;
using Mayfly.Core.Quotas;

namespace Mayfly.Core.Known;

/// <summary>
/// How many candidates may be asked about: whoever may ask can try guesses, and this is what limits them. It belongs to each
/// policy that gives the right to ask, so that making tokens makes no more of it, not even tokens with fewer policies. Safe for
/// concurrent use.
/// </summary>
internal sealed class KnownBudget(TimeProvider time)
{
    /// <summary>Candidates in one hour. A scanner asks about one word in a thousand.</summary>
    public const int PerHour = 250_000;

    private const int MostPolicies = 10_000;

    private readonly ConcurrentDictionary<string, Allowance> _allowances = new(StringComparer.Ordinal);
    private readonly RateTerms _terms = new(
        Math.Max(1, time.TimestampFrequency * 3600 / PerHour),
        time.TimestampFrequency * 3600,
        Block: 0
    );

    /// <summary>Takes so many.</summary>
    /// <param name="policies">Those that give the right to ask.</param>
    /// <param name="count">How many.</param>
    /// <returns>How long to wait before it could be, or null when they were taken.</returns>
    public TimeSpan? Take(IReadOnlyList<string> policies, int count)
    {
        var now = time.GetTimestamp();
        if (_allowances.Count > MostPolicies)
        {
            foreach (var (policy, idle) in _allowances)
            {
                if (idle.IsIdle(now))
                {
                    _allowances.TryRemove(policy, out _);
                }
            }
        }

        var terms = _terms with { PerRequest = _terms.PerRequest * count };
        foreach (var policy in policies.Distinct(StringComparer.Ordinal))
        {
            var decision = _allowances.GetOrAdd(policy, _ => new Allowance()).Take(terms, now);
            if (!decision.Allowed)
            {
                return TimeSpan.FromSeconds(Math.Ceiling(decision.Wait / (double)time.TimestampFrequency));
            }
        }

        return null;
    }
}
