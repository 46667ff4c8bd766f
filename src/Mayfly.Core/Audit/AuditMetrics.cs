using System.Diagnostics.Metrics;

namespace Mayfly.Core.Audit;

/// <summary>What the audit tells about itself.</summary>
internal static class AuditMetrics
{
    private static readonly Meter Meter = new("Mayfly.Audit");

    /// <summary>Lines that devices have taken.</summary>
    public static readonly Counter<long> Written = Meter.CreateCounter<long>("mayfly.audit.lines");

    /// <summary>Entries that a device could not take.</summary>
    public static readonly Counter<long> Lost = Meter.CreateCounter<long>("mayfly.audit.lost");

    /// <summary>Times that a device failed.</summary>
    public static readonly Counter<long> Failures = Meter.CreateCounter<long>("mayfly.audit.failures");

    /// <summary>Requests that were refused because nothing could record them.</summary>
    public static readonly Counter<long> Refused = Meter.CreateCounter<long>("mayfly.audit.refused");

    /// <summary>How long groups of entries took.</summary>
    public static readonly Histogram<double> GroupSeconds = Meter.CreateHistogram<double>("mayfly.audit.group", "s");
}
