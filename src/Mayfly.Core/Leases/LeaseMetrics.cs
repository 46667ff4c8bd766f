using System.Diagnostics.Metrics;

namespace Mayfly.Core.Leases;

/// <summary>What has happened to leases since the vault was unsealed, for the metrics. Safe for concurrent use.</summary>
internal sealed class LeaseMetrics : IDisposable
{
    private readonly Meter _meter = new("Mayfly");
    private long _issued;
    private long _revoked;
    private long _failed;
    private long _irrevocable;

    public LeaseMetrics()
    {
        _meter.CreateObservableCounter(
            "mayfly.leases.issued",
            () => Interlocked.Read(ref _issued),
            null,
            "Leases that were issued."
        );
        _meter.CreateObservableCounter(
            "mayfly.leases.revoked",
            () => Interlocked.Read(ref _revoked),
            null,
            "Leases that have ended, by expiry or on demand."
        );
        _meter.CreateObservableCounter(
            "mayfly.leases.revocation_failures",
            () => Interlocked.Read(ref _failed),
            null,
            "Attempts to end a lease that failed."
        );
        _meter.CreateObservableGauge(
            "mayfly.leases.irrevocable",
            () => Interlocked.Read(ref _irrevocable),
            null,
            "Leases that could not be ended and are not tried any more; see sys/leases?type=irrevocable."
        );
    }

    public void Issued() => Interlocked.Increment(ref _issued);

    public void Revoked(int count) => Interlocked.Add(ref _revoked, count);

    public void Failed() => Interlocked.Increment(ref _failed);

    /// <summary>Some became irrevocable, or (when negative) ceased to be.</summary>
    public void Irrevocable(long change) => Interlocked.Add(ref _irrevocable, change);

    public void Dispose() => _meter.Dispose();
}
