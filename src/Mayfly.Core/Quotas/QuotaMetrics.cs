using System.Diagnostics.Metrics;

namespace Mayfly.Core.Quotas;

/// <summary>What quotas tell about themselves, under Vault's names.</summary>
internal sealed class QuotaMetrics : IDisposable
{
    private readonly Meter _meter = new("Mayfly.Quotas");
    private readonly Counter<long> _rateLimited;
    private readonly Counter<long> _leasesRefused;

    /// <param name="counters">The lease counts as they are now.</param>
    public QuotaMetrics(Func<IReadOnlyList<LeaseCounts.Counter>> counters)
    {
        _rateLimited = _meter.CreateCounter<long>(
            "mayfly.quota.rate_limit.violation",
            null,
            "Requests that a rate limit refused."
        );
        _leasesRefused = _meter.CreateCounter<long>(
            "mayfly.quota.lease_count.violation",
            null,
            "Leases and tokens that a lease-count quota refused."
        );
        _meter.CreateObservableGauge(
            "mayfly.quota.lease_count.counter",
            () => counters().Select(counter => new Measurement<long>(counter.Count, Name(counter.Quota))),
            null,
            "Leases and tokens that count for a quota."
        );
        _meter.CreateObservableGauge(
            "mayfly.quota.lease_count.max",
            () => counters().Select(counter => new Measurement<long>(counter.Quota.MaxLeases, Name(counter.Quota))),
            null,
            "How many a lease-count quota allows."
        );
    }

    public void RateLimited(RateLimitQuota quota) => _rateLimited.Add(1, Name(quota));

    public void LeaseRefused(LeaseCountQuota quota) => _leasesRefused.Add(1, Name(quota));

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Name(Quota quota) => new("name", quota.Name);
}
