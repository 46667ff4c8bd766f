using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Seal;

/// <summary>
/// What <see cref="Custody"/> calls when the vault opens and closes. All of them are called one at a time. The keyring stays
/// the custody's, which disposes it after <see cref="CloseAsync"/>.
/// </summary>
public sealed record CustodyHooks
{
    /// <summary>
    /// A new vault: write what it begins with (mounts, policies), and mint the first root token, whose text is returned. Nothing of
    /// it counts until it returns; what a crash leaves behind is removed by the next attempt.
    /// </summary>
    public required Func<
        Keyring,
        CancellationToken,
        ValueTask<(string? RootToken, Fault? Fault)>
    > BootstrapAsync { get; init; }

    /// <summary>The vault has been unsealed: load and start everything, or say why not and leave nothing behind.</summary>
    public required Func<Keyring, CancellationToken, ValueTask<Fault?>> OpenAsync { get; init; }

    /// <summary>
    /// The vault is being sealed: stop everything that uses the keyring. The request that asks for it is itself still under
    /// way, so waiting for requests must leave it out, and have a limit.
    /// </summary>
    public required Func<CancellationToken, ValueTask> CloseAsync { get; init; }

    /// <summary>Enough people agreed on a new root token: mint one.</summary>
    public required Func<
        CancellationToken,
        ValueTask<(string? RootToken, Fault? Fault)>
    > MintRootTokenAsync { get; init; }

    /// <summary>How many characters root tokens have: the one-time pad that hides them must have as many.</summary>
    public required int RootTokenLength { get; init; }
}
