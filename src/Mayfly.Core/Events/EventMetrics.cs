using System.Diagnostics.Metrics;

namespace Mayfly.Core.Events;

/// <summary>What is measured of change events.</summary>
internal static class EventMetrics
{
    private static readonly Meter Meter = new("Mayfly.Events");

    /// <summary>Subscriptions that there are.</summary>
    public static readonly UpDownCounter<long> Subscriptions = Meter.CreateUpDownCounter<long>(
        "mayfly.events.subscriptions"
    );

    /// <summary>Subscriptions that a limit refused.</summary>
    public static readonly Counter<long> Refused = Meter.CreateCounter<long>("mayfly.events.refused");

    /// <summary>Events that somebody listened for.</summary>
    public static readonly Counter<long> Published = Meter.CreateCounter<long>("mayfly.events.published");

    /// <summary>Notices to subscribers that they lost events.</summary>
    public static readonly Counter<long> Lost = Meter.CreateCounter<long>("mayfly.events.lost");
}
