using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Engines;

/// <summary>
/// What a mount can have rotated: the engine says which of its secrets, how and when, and is called back as
/// <see cref="IRotatesSecrets"/>. Safe for concurrent use.
/// </summary>
public interface IRotations
{
    /// <summary>
    /// Adds to <paramref name="batch"/> that <paramref name="target"/> is rotated under these terms from now on, so that the
    /// engine's own record and its rotation come into being together. The first rotation is due one period from now (or at the
    /// next time of the schedule), never at once. For a target that is known already the terms are replaced: the next rotation
    /// is counted from the last one, and one that is under way goes on.
    /// </summary>
    /// <param name="batch">Conflicts when the rotation makes progress at the same time: then read and commit anew.</param>
    /// <param name="target">The engine's name for the secret, such as <c>static-roles/app</c>: what the operator sees, after the mount's path.</param>
    /// <param name="terms">How and when.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    ValueTask PutAsync(Batch batch, string target, RotationTerms terms, CancellationToken cancellation);

    /// <summary>Adds to <paramref name="batch"/> that <paramref name="target"/> is not rotated any more. There being none is fine.</summary>
    ValueTask DeleteAsync(Batch batch, string target, CancellationToken cancellation);

    /// <summary>When the target was and will be rotated, and what went wrong; null when it is not known.</summary>
    ValueTask<RotationTimes?> TimesAsync(string target, CancellationToken cancellation);

    /// <summary>
    /// Rotates the target now, and returns when it is done, has gone back (with the reason), or waits for consumers.
    /// </summary>
    /// <param name="target">Known by <see cref="PutAsync"/>.</param>
    /// <param name="reason">For the history and the audit.</param>
    /// <param name="cancellation">Ends the waiting; the rotation goes on.</param>
    /// <param name="isFirst">The secret has no value yet, so nobody reads it and nobody is waited for.</param>
    ValueTask<Fault?> RotateAsync(string target, string reason, CancellationToken cancellation, bool isFirst = false);
}

/// <summary>When a secret was and will be rotated. Immutable.</summary>
/// <param name="Last">When it was last promoted, or null.</param>
/// <param name="Next">When it is due next, or null when only on demand.</param>
/// <param name="UnderWay">A rotation is between its creation and its promotion, or goes back.</param>
/// <param name="LastError">Why the last attempt failed; "" when it did not.</param>
public sealed record RotationTimes(DateTimeOffset? Last, DateTimeOffset? Next, bool UnderWay, string LastError);
