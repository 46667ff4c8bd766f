namespace Mayfly.Core.Consumers;

/// <summary>A program that reads a secret and says who it is. Immutable.</summary>
/// <param name="Name">As it calls itself: <c>app/instance</c>.</param>
/// <param name="Owner">The token that named it first, for the limits.</param>
/// <param name="Seen">When it last read or acknowledged.</param>
/// <param name="Given">The offered version that its last read gave it; "" when that was the current one.</param>
/// <param name="Acknowledged">The version that it said it uses; null when it has never said so.</param>
internal sealed record Consumer(string Name, string Owner, DateTimeOffset Seen, string Given, string? Acknowledged)
{
    /// <summary>Whoever acknowledges is taken at their word; of the others it is known what they were given.</summary>
    public bool Holds(string version) => (Acknowledged ?? Given) == version;
}
