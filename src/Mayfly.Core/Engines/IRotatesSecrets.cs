using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines;

/// <summary>
/// An engine (or rotator) that can give one of its secrets a new value. It carries out single steps; when, in which order, what
/// follows a failure and a crash, is the rotation's business. Every member is idempotent for the same
/// <see cref="SecretRotation.Version"/>: after a crash, a time-out or a failure to store the progress it is called again, also
/// when it had succeeded. Members run concurrently for different targets, and one at a time for the same target.
/// </summary>
/// <remarks>
/// A fault says that the step did not come about, and why, in words that an operator may read: the rotation then goes back by
/// <see cref="RevertAsync"/>. Whatever the engine has to remember between the steps (the new password above all) it keeps in its
/// own <see cref="Storage.View"/>, filed under target and version.
/// </remarks>
public interface IRotatesSecrets
{
    /// <summary>
    /// Chooses the new credential (with two users: that of the user whose turn it is) and stores it, without touching anything
    /// outside. <see cref="FaultKind.NotFound"/> says that there is no such target any more: the rotation is forgotten.
    /// </summary>
    ValueTask<Fault?> CreateAsync(SecretRotation rotation, CancellationToken cancellation);

    /// <summary>Makes the new credential valid where it is used.</summary>
    ValueTask<Fault?> SetAsync(SecretRotation rotation, CancellationToken cancellation);

    /// <summary>Proves that the new credential works, by using it.</summary>
    ValueTask<Fault?> TestAsync(SecretRotation rotation, CancellationToken cancellation);

    /// <summary>
    /// What a reader of the secret gets who is to change over before the others: the reply of the reading path, with the new
    /// credential. Called only between a successful test and the promotion.
    /// </summary>
    ValueTask<Outcome> ReadNextAsync(SecretRotation rotation, CancellationToken cancellation);

    /// <summary>
    /// Makes the new credential the one that readers get, by one write. A fault says that it has certainly not become that; when
    /// this is not known, the member throws, and is called again.
    /// </summary>
    ValueTask<Fault?> PromoteAsync(SecretRotation rotation, CancellationToken cancellation);

    /// <summary>
    /// Ends the credential that was current before the promotion, where it still works, and with it what has been opened with
    /// it. Tried again until it succeeds, or until the next rotation begins.
    /// </summary>
    ValueTask<Fault?> RetireAsync(SecretRotation rotation, CancellationToken cancellation);

    /// <summary>
    /// Goes back to the credential that is current: makes sure that it is valid where it is used (with one user, by setting it
    /// again and trying it), and forgets the new one. Called for a rotation of which any step may or may not have come about,
    /// and tried again until it succeeds.
    /// </summary>
    ValueTask<Fault?> RevertAsync(SecretRotation rotation, CancellationToken cancellation);
}

/// <summary>One rotation of one secret, as who carries it out sees it. Immutable.</summary>
/// <param name="Target">Which secret: for an engine a name that it gave to <see cref="IRotations.PutAsync"/>.</param>
/// <param name="Version">Names the new credential: a UUID, the same for every step of this rotation.</param>
/// <param name="StartedAt">When this rotation began.</param>
/// <param name="Emergency">The old credential is in the wrong hands: it must not outlive the promotion.</param>
public sealed record SecretRotation(string Target, string Version, DateTimeOffset StartedAt, bool Emergency);
