using System.Security.Cryptography;
using System.Text;
using Mayfly.Crypto;

namespace Mayfly.Core.Storage;

/// <summary>
/// The line between plaintext and the store: every value that crosses it becomes an envelope bound to its key, and every
/// name a ciphertext bound to its folder. Safe for concurrent use.
/// </summary>
public sealed class Barrier(IStore store, Keyring keyring)
{
    public IStore Store => store;

    public Keyring Keyring => keyring;

    /// <summary>Reads and decrypts, or null where there is no record.</summary>
    /// <exception cref="StoreCorruptException">The record is not what was written under this key.</exception>
    public async ValueTask<Entry?> GetAsync(StoreKey key, CancellationToken cancellation)
    {
        var record = await store.GetAsync(key, cancellation);
        return record is null ? null : Open(key, record);
    }

    public Entry Open(StoreKey key, StoredRecord record)
    {
        try
        {
            return new Entry(keyring.Open(key.Bytes, record.Value.Span), record.Version, record.Due);
        }
        catch (CryptographicException e)
        {
            throw new StoreCorruptException($"Record {key} does not authenticate: it was damaged or exchanged.", e);
        }
    }

    public void Put(
        Batch batch,
        StoreKey key,
        ReadOnlySpan<byte> plaintext,
        long? due = null,
        long? expectedVersion = null
    ) => batch.Put(key, keyring.Seal(key.Bytes, plaintext), due, expectedVersion);

    /// <summary>The stored form of a name below <paramref name="folder"/>: equal names give equal bytes only in one folder.</summary>
    public byte[] EncryptName(StoreKey folder, ReadOnlySpan<char> name)
    {
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(name.Length)];
        var length = Encoding.UTF8.GetBytes(name, bytes);
        return keyring.EncryptName(folder.Bytes, bytes.AsSpan(0, length));
    }

    /// <exception cref="StoreCorruptException">The name is not one that was written in this folder.</exception>
    public string DecryptName(StoreKey folder, ReadOnlySpan<byte> segment)
    {
        try
        {
            return Encoding.UTF8.GetString(keyring.DecryptName(folder.Bytes, segment));
        }
        catch (CryptographicException e)
        {
            throw new StoreCorruptException($"A name below {folder} does not authenticate.", e);
        }
    }
}
