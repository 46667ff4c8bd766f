namespace Mayfly.Client;

/// <summary>How to subscribe to events. Immutable.</summary>
public sealed record SubscriptionOptions
{
    /// <summary>
    /// Only events for which this holds, such as <c>data_path == secret/data/app</c>, in the language that Vault has for it;
    /// null for all.
    /// </summary>
    public string? Filter { get; init; }

    /// <summary>The last event that was seen, to go on after it; null to begin now.</summary>
    public string? LastEventId { get; init; }

    /// <summary>
    /// Connect again when the connection breaks, and go on after the last event. What cannot be told any more is a notice
    /// (<see cref="MayflyEvent.IsLost"/>). Otherwise the first break ends the subscription.
    /// </summary>
    public bool Reconnect { get; init; } = true;

    /// <summary>
    /// A connection on which nothing was heard for so long counts as broken. The server gives a sign of life every 15 s.
    /// </summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>
    /// Begin with the notice that events may be missing, as soon as the server tells events, and tell by notices when the connection
    /// breaks and that it is there again.
    /// </summary>
    internal bool TellsConnection { get; init; }

    /// <summary>
    /// Called each time that the server has accepted the subscription: from then on changes are heard. It returns soon; null
    /// for nothing.
    /// </summary>
    public Action? Connected { get; init; }
}
