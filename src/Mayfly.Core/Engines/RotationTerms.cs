namespace Mayfly.Core.Engines;

/// <summary>How the old and the new credential follow each other.</summary>
public enum RotationMode
{
    /// <summary>
    /// Two credentials in turn: the old one is valid while the other is changed, tested and taken up. Readers that say who they
    /// are get the new one first, and are waited for.
    /// </summary>
    DualCredential,

    /// <summary>One credential: setting the new one ends the old one, so there is nobody to wait for.</summary>
    Atomic,

    /// <summary>One credential, and consumers let go of it before it is changed: they are waited for first.</summary>
    Coordinated,
}

/// <summary>What happens when consumers are still behind at the end of <see cref="RotationTerms.ConsumerWait"/>.</summary>
public enum LateConsumers
{
    /// <summary>The rotation goes back to the previous credential.</summary>
    Revert,

    /// <summary>The rotation goes on without them.</summary>
    Proceed,
}

/// <summary>How and when a secret is rotated. Immutable.</summary>
public sealed record RotationTerms
{
    public RotationMode Mode { get; init; }

    public RotationSchedule Schedule { get; init; } = RotationSchedule.OnDemand;

    /// <summary>The path that consumers read, below the mount, such as <c>static-creds/app</c>; "" when nobody is waited for.</summary>
    public string ReadPath { get; init; } = "";

    /// <summary>The longest to wait for consumers; zero for not at all.</summary>
    public TimeSpan ConsumerWait { get; init; }

    public LateConsumers LateConsumers { get; init; }

    /// <summary>Who is waited for: names of consumers, with <c>*</c> for any text; everybody when there are none.</summary>
    public IReadOnlyList<string> Consumers { get; init; } = [];

    /// <summary>
    /// How long the old credential stays valid after the promotion; null for as long as possible: with two users until its turn
    /// comes again. In an emergency it ends at once.
    /// </summary>
    public TimeSpan? RetireAfter { get; init; }
}
