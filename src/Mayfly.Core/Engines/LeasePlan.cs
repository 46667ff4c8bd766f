using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines;

/// <summary>
/// What an engine is about to issue. Everything that is needed to undo it (names, not passwords) is in
/// <see cref="Data"/> before anything is done, because the plan is stored first: a crash at any later moment is
/// rolled back from it.
/// </summary>
public sealed record LeasePlan
{
    /// <summary>How long the role says that it lives; zero for the mount's default. The mount and server cap it.</summary>
    public required TimeSpan Ttl { get; init; }

    /// <summary>The longest that renewals may make it live; zero for the mount's.</summary>
    public required TimeSpan MaxTtl { get; init; }

    public bool Renewable { get; init; } = true;

    /// <summary>The engine's own notes about the credential, of which it is revoked and renewed. Stored encrypted.</summary>
    public required ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>
    /// Makes the credential, which ends at the given time, and answers the request. After a fault or exception the engine's
    /// <see cref="IIssuesLeases.RevokeAsync"/> is called, to remove what may have been made half-way; unless the fault
    /// says <see cref="Fault.NothingMade"/>.
    /// </summary>
    public required Func<DateTimeOffset, CancellationToken, ValueTask<Outcome>> Act { get; init; }

    /// <summary>Runs once the credential and its lease are there for good, so that this can be told. Must be quick.</summary>
    public Action? OnceIssued { get; init; }
}
