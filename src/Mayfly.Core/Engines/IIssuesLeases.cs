using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines;

/// <summary>
/// An engine whose paths issue credentials that end with their lease (see <see cref="PathEntry.Issue"/>). The engine makes,
/// prolongs and ends what stands behind a lease; the pipeline keeps the leases and says when. Both members run concurrently.
/// </summary>
public interface IIssuesLeases
{
    /// <summary>
    /// Prolongs what stands behind <paramref name="lease"/>, whose end is already the new one. Idempotent.
    /// </summary>
    /// <returns>Why it could not be, or null. With a fault the lease keeps its old end.</returns>
    ValueTask<Fault?> RenewAsync(LeasedSecret lease, CancellationToken cancellation);

    /// <summary>
    /// Ends what stands behind <paramref name="lease"/>. Idempotent, and fine when it was never made or is gone already: it
    /// is also called for plans of which a crash left open whether they were carried out.
    /// </summary>
    /// <returns>
    /// Why it could not be ended, or null. With a fault it is called again later;
    /// <see cref="FaultKind.Unavailable"/> says that what the engine depends on is away as a whole.
    /// </returns>
    ValueTask<Fault?> RevokeAsync(LeasedSecret lease, CancellationToken cancellation);
}

/// <summary>A lease as its engine sees it. Immutable.</summary>
/// <param name="Id">The lease's id: the path that issued it, and a random part.</param>
/// <param name="Path">The path below the mount that issued it.</param>
/// <param name="Data">What the engine put into the plan.</param>
/// <param name="IssuedAt">When it was issued.</param>
/// <param name="ExpiresAt">When it ends.</param>
public sealed record LeasedSecret(
    string Id,
    string Path,
    ReadOnlyMemory<byte> Data,
    DateTimeOffset IssuedAt,
    DateTimeOffset ExpiresAt
);
