using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Crypto;

namespace Mayfly.Core.Seal;

/// <content>How a vault begins.</content>
public sealed partial class Custody
{
    /// <summary>
    /// Makes the keys, the shares and the first root token. Afterwards the vault is open if the seal is automatic, and sealed
    /// otherwise.
    /// </summary>
    /// <param name="shares">How many shares (with an automatic seal: of the recovery key).</param>
    /// <param name="threshold">How many of them open (recover).</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The only sight of the shares there will be, the caller's to dispose; or why it was not done.</returns>
    public async ValueTask<(InitializedKeys? Keys, Fault? Fault)> InitializeAsync(
        long shares,
        long threshold,
        CancellationToken cancellation
    )
    {
        using var entered = await EnterAsync(cancellation);
        if (_records.Record is not null)
        {
            return (null, Fault.Invalid("Vault is already initialized"));
        }

        var field = _configured is null ? "secret" : "recovery";
        if (KeyShares.Check(shares, threshold, field + "_shares", field + "_threshold") is { } wrong)
        {
            return (null, wrong);
        }

        if (await ClearLeftoversAsync(cancellation) is { } notEmpty)
        {
            return (null, notEmpty);
        }

        var clusterId = Guid.NewGuid().ToString();
        using var rootKey = SecretBytes.Random(SealKey.Size);
        using var keyring = Keyring.Generate(_time.GetUtcNow());
        var (rootToken, fault) = await _hooks.BootstrapAsync(keyring, cancellation);
        if (rootToken is null)
        {
            return (null, fault);
        }

        var generated = KeyShares.Generate(clusterId, (int)shares, (int)threshold);
        try
        {
            var record = new SealRecord
            {
                ClusterId = clusterId,
                People = await WrapAsync(clusterId, generated, rootKey, cancellation),
                Automatic = await HolderAsync(clusterId, rootKey, cancellation),
            };
            keyring.ReserveUses();
            var created = await _records.CreateAsync(record, rootKey, keyring, cancellation);
            if (!created.Succeeded)
            {
                generated.Dispose();
                return (null, Fault.From(created));
            }

            Publish();
            if (record.Automatic is not null && await OpenAsync(rootKey, cancellation) is { } closed)
            {
                // The keys exist, so the caller must get them: the vault opens with them, or at the next start.
                Microsoft.Extensions.Logging.LoggerExtensions.LogError(
                    _log,
                    "initialized, but could not open: {Reason}",
                    string.Join("; ", closed.Messages)
                );
            }

            return (new InitializedKeys(generated, _configured is not null, rootToken), null);
        }
        catch
        {
            generated.Dispose();
            throw;
        }
    }

    /// <summary>The set of shares with the root key wrapped by the key that they recover.</summary>
    internal static async ValueTask<ShareHolders> WrapAsync(
        string clusterId,
        KeyShares shares,
        SecretBytes rootKey,
        CancellationToken cancellation
    )
    {
        using var seal = new ShamirSeal(SecretBytes.CopyOf(shares.Key.Span));
        var context = SealRecord.ContextOf(clusterId, shares.Holders);
        return shares.Holders with { WrappedRootKey = await seal.WrapAsync(rootKey, context, cancellation) };
    }

    /// <summary>
    /// Removes what an initialization that never ended left behind. Records without such a sign are somebody's data whose seal
    /// configuration was lost: they are never touched.
    /// </summary>
    private async ValueTask<Fault?> ClearLeftoversAsync(CancellationToken cancellation)
    {
        const int PerBatch = 256;
        if (await _store.GetAsync(CoreKeys.Initializing, cancellation) is null)
        {
            if ((await _store.ScanAsync(StoreKey.Root, after: null, limit: 1, cancellation)).Count > 0)
            {
                return Fault.Conflict(
                    "the store holds records but no seal configuration (core/seal): restore it from a backup, or use an empty store"
                );
            }

            var mark = new Batch();
            mark.Put(CoreKeys.Initializing, "initializing"u8.ToArray(), expectedVersion: 0);
            var marked = await _store.CommitAsync(mark, cancellation);
            return marked.Succeeded ? null : Fault.From(marked);
        }

        StoreKey? after = null;
        while (await _store.ScanAsync(StoreKey.Root, after, PerBatch, cancellation) is { Count: > 0 } found)
        {
            after = found[^1].Key;
            var batch = new Batch();
            foreach (var (key, _) in found.Where(record => record.Key != CoreKeys.Initializing))
            {
                batch.Delete(key);
            }

            var deleted = await _store.CommitAsync(batch, cancellation);
            if (!deleted.Succeeded)
            {
                return Fault.From(deleted);
            }
        }

        return null;
    }
}

/// <summary>What an initialization gives, once. Dispose it after the reply.</summary>
public sealed class InitializedKeys : IDisposable
{
    private readonly KeyShares _keys;

    internal InitializedKeys(KeyShares keys, bool areRecoveryKeys, string rootToken)
    {
        _keys = keys;
        AreRecoveryKeys = areRecoveryKeys;
        RootToken = rootToken;
    }

    /// <summary>Unseal keys, or recovery keys.</summary>
    public IReadOnlyList<SecretBytes> Shares => _keys.Shares;

    public bool AreRecoveryKeys { get; }

    public string RootToken { get; }

    public void Dispose() => _keys.Dispose();
}
