namespace Mayfly.Core.Events;

/// <summary>What change events may cost. Immutable.</summary>
public sealed record EventLimits
{
    /// <summary>How many subscriptions there may be.</summary>
    public int Subscriptions { get; init; } = 5_000;

    /// <summary>How many subscriptions one token may have, so that a client that leaks them harms only itself.</summary>
    public int SubscriptionsPerToken { get; init; } = 1_500;

    /// <summary>How many events are kept for those who are slow or come back.</summary>
    public int Kept { get; init; } = 8_192;

    /// <summary>How many bytes these may have together.</summary>
    public long KeptBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>How long events go on being kept when the last subscriber has left, so that it can come back.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>A subscriber that has had nothing for so long gets a sign of life.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(15);
}
