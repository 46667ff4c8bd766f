using System.Text;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Crypto;

namespace Mayfly.Core.Seal;

/// <summary>
/// The two records that stand outside the barrier: the seal configuration, and the keyring wrapped by the root key. Used by one
/// caller at a time.
/// </summary>
internal sealed class RootKeyStore(IStore store)
{
    private long _sealVersion;
    private long _keyringVersion;

    /// <summary>Null until the vault is initialized.</summary>
    public SealRecord? Record { get; private set; }

    /// <exception cref="StoreCorruptException">The configuration is damaged.</exception>
    public async ValueTask LoadAsync(CancellationToken cancellation)
    {
        if (await store.GetAsync(CoreKeys.Seal, cancellation) is { } found)
        {
            Record = SealRecord.Parse(found.Value.Span);
            _sealVersion = found.Version;
        }
    }

    /// <summary>Opens the keyring, or says why it cannot be opened.</summary>
    public async ValueTask<(Keyring? Keyring, Fault? Fault)> OpenKeyringAsync(
        SecretBytes rootKey,
        CancellationToken cancellation
    )
    {
        if (await store.GetAsync(CoreKeys.Keyring, cancellation) is not { } found)
        {
            return (null, Fault.Unavailable("the keyring (core/keyring) is missing from the store; restore a backup"));
        }

        using var exported = KeyWrap.Unwrap(rootKey.Span, KeyringContext(Record!), found.Value.Span);
        if (exported is null)
        {
            return (null, Fault.Unavailable("the keyring (core/keyring) is damaged; restore a backup"));
        }

        _keyringVersion = found.Version;
        return (Keyring.UnsafeImport(exported.Span), null);
    }

    /// <summary>Makes the vault exist: both records, and the end of the initialization, in one commit.</summary>
    public ValueTask<CommitResult> CreateAsync(
        SealRecord record,
        SecretBytes rootKey,
        Keyring keyring,
        CancellationToken cancellation
    )
    {
        var batch = new Batch();
        batch.Delete(CoreKeys.Initializing);
        return CommitAsync(batch, record, rootKey, keyring, cancellation);
    }

    /// <summary>Puts a new root key in place, with everyone who holds it, in one commit.</summary>
    public ValueTask<CommitResult> ReplaceAsync(
        SealRecord record,
        SecretBytes rootKey,
        Keyring keyring,
        CancellationToken cancellation
    ) => CommitAsync(new Batch(), record, rootKey, keyring, cancellation);

    /// <summary>Changes who holds the root key, which stays the same.</summary>
    public async ValueTask<CommitResult> SaveRecordAsync(SealRecord record, CancellationToken cancellation)
    {
        var batch = new Batch();
        batch.Put(CoreKeys.Seal, record.ToBytes(), expectedVersion: _sealVersion);
        var result = await store.CommitAsync(batch, cancellation);
        if (result.Succeeded)
        {
            Record = record;
            _sealVersion = result.Sequence;
        }

        return result;
    }

    public async ValueTask<CommitResult> SaveKeyringAsync(
        SecretBytes rootKey,
        Keyring keyring,
        CancellationToken cancellation
    )
    {
        var batch = new Batch();
        PutKeyring(batch, Record!, rootKey, keyring);
        var result = await store.CommitAsync(batch, cancellation);
        if (result.Succeeded)
        {
            _keyringVersion = result.Sequence;
        }

        return result;
    }

    private async ValueTask<CommitResult> CommitAsync(
        Batch batch,
        SealRecord record,
        SecretBytes rootKey,
        Keyring keyring,
        CancellationToken cancellation
    )
    {
        batch.Put(CoreKeys.Seal, record.ToBytes(), expectedVersion: _sealVersion);
        PutKeyring(batch, record, rootKey, keyring);
        var result = await store.CommitAsync(batch, cancellation);
        if (result.Succeeded)
        {
            Record = record;
            _sealVersion = result.Sequence;
            _keyringVersion = result.Sequence;
        }

        return result;
    }

    private void PutKeyring(Batch batch, SealRecord record, SecretBytes rootKey, Keyring keyring)
    {
        using var exported = keyring.UnsafeExport();
        var wrapped = KeyWrap.Wrap(rootKey.Span, KeyringContext(record), exported.Span);
        batch.Put(CoreKeys.Keyring, wrapped, expectedVersion: _keyringVersion);
    }

    private static byte[] KeyringContext(SealRecord record) =>
        Encoding.UTF8.GetBytes("mayfly keyring v1 " + record.ClusterId);
}
