namespace Mayfly.Client.Secrets;

/// <summary>
/// Where secrets come from: one read of one secret by its name. Sources know nothing of caching; <see cref="LiveSecrets"/> does
/// that over any of them. What a source can do beyond reading, it says with <see cref="IWatchableSecretSource"/>,
/// <see cref="ILeasingSecretSource"/> and <see cref="IReportingSecretSource"/>. Implementations are safe for concurrent use.
/// </summary>
public interface ISecretSource
{
    /// <summary>
    /// Names the source in messages, and binds what is kept on disk to it: the kind and the address, such as
    /// <c>mayfly https://mayfly:8200</c>. Holds no secret, and is the same at every start.
    /// </summary>
    string Id { get; }

    /// <summary>Reads a secret as it is now, past any cache.</summary>
    /// <param name="name">The secret, in the words of the source: a path, an identifier, a variable.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SecretSourceException">The secret could not be read, and why.</exception>
    Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken);
}

/// <summary>A source that can tell when secrets change.</summary>
public interface IWatchableSecretSource : ISecretSource
{
    /// <summary>
    /// Changes, from the moment on when the source listens, which it says with a first
    /// <see cref="SecretChange.Everything"/>; and another one whenever changes may have been missed. A source that connects again by
    /// itself says that it does not listen meanwhile (<see cref="SecretChange.Interrupted"/>), and when it does again.
    /// </summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="SecretSourceException">
    /// Changes cannot be heard of: <see cref="SecretFailure.Denied"/> and <see cref="SecretFailure.Invalid"/> where trying again
    /// soon is of no use.
    /// </exception>
    IAsyncEnumerable<SecretChange> WatchAsync(CancellationToken cancellationToken);
}

/// <summary>
/// A source whose secrets can have leases. A lease is renewed and revoked with the very object that came with the secret.
/// </summary>
public interface ILeasingSecretSource : ISecretSource
{
    /// <summary>
    /// All leases given so far end before their time, such as with the login that they were given to: whoever holds one fetches
    /// the secret anew now.
    /// </summary>
    event EventHandler? LeasesEnding;

    /// <summary>Asks for a lease to be extended by as much as it was given first.</summary>
    /// <param name="lease">A lease of a secret of this source.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The lease with the duration that it has from now on.</returns>
    /// <exception cref="SecretSourceException">
    /// It was not: <see cref="SecretFailure.Unreachable"/> may pass, any other reason means that the secret has to be replaced.
    /// </exception>
    Task<SecretLease> RenewAsync(SecretLease lease, CancellationToken cancellationToken);

    /// <summary>Ends a lease now, and the credential with it.</summary>
    /// <param name="lease">A lease of a secret of this source.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SecretSourceException">It was not ended.</exception>
    Task RevokeAsync(SecretLease lease, CancellationToken cancellationToken);
}

/// <summary>A source that wants to know which versions are in use, so that rotations can wait for it.</summary>
public interface IReportingSecretSource : ISecretSource
{
    /// <summary>Whether there is somebody to report for. Without, nothing is reported.</summary>
    bool Reports { get; }

    /// <summary>Says that the program uses a version of a secret now.</summary>
    /// <param name="name">The secret.</param>
    /// <param name="version">The version as <see cref="FetchedSecret.Version"/> gave it; null for the one read last.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SecretSourceException">The report was not taken.</exception>
    Task AcknowledgeAsync(string name, string? version, CancellationToken cancellationToken);
}

/// <summary>A secret has changed, or any may have; or changes are not heard of for a while.</summary>
/// <param name="Name">The secret; null when changes may have been missed, or may be from now on.</param>
public readonly record struct SecretChange(string? Name)
{
    /// <summary>Any secret may have changed.</summary>
    public static SecretChange Everything => default;

    /// <summary>Changes are not heard of for now. The source tries to, and says when it does.</summary>
    public static SecretChange Interrupted => new(null) { IsInterruption = true };

    /// <summary>Changes are heard of again, and none was missed.</summary>
    public static SecretChange Resumed => new(null) { IsResumption = true };

    /// <summary>It is <see cref="Interrupted"/>.</summary>
    public bool IsInterruption { get; private init; }

    /// <summary>It is <see cref="Resumed"/>.</summary>
    public bool IsResumption { get; private init; }
}
