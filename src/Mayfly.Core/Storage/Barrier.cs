using System.Security.Cryptography;
using System.Text;
using Mayfly.Crypto;

namespace Mayfly.Core.Storage;

/// <summary>
/// The line between plaintext and the store: every value that crosses it becomes an envelope bound to its key, and every
/// name a ciphertext bound to its folder. Envelopes that are read are remembered (and that there was none), plaintext never. Safe for concurrent use.
/// </summary>
public sealed class Barrier : IDisposable
{
    private const int StackLimit = 512;

    private readonly IStore _store;
    private readonly Keyring _keyring;
    private readonly RecordCache _cache;
    private readonly IDisposable _observation;

    /// <param name="store">Where the records are.</param>
    /// <param name="keyring">Stays the caller's.</param>
    /// <param name="cacheCapacity">The most bytes of envelopes to remember.</param>
    public Barrier(IStore store, Keyring keyring, long cacheCapacity = RecordCache.DefaultCapacity)
    {
        _store = store;
        _keyring = keyring;
        _cache = new RecordCache(cacheCapacity);
        _observation = store.Observe(_cache.Apply);
    }

    public IStore Store => _store;

    public Keyring Keyring => _keyring;

    internal RecordCache Cache => _cache;

    /// <summary>Reads and decrypts, or null where there is no record. Completes at once when the envelope is remembered.</summary>
    /// <exception cref="StoreCorruptException">The record is not what was written under this key.</exception>
    public ValueTask<Entry?> GetAsync(StoreKey key, CancellationToken cancellation)
    {
        if (_cache.TryGet(key, out var remembered))
        {
            return new(remembered is null ? null : Open(key, remembered));
        }

        // Before the store is asked: see RecordCache.
        var ticket = _cache.Begin(key);
        var reading = _store.GetAsync(key, cancellation);
        return reading.IsCompletedSuccessfully
            ? new(Loaded(key, reading.Result, ticket))
            : LoadAsync(key, reading, ticket);
    }

    /// <summary>Whether there is a record. What is remembered has authenticated before, and is not decrypted again.</summary>
    /// <exception cref="StoreCorruptException">The record is not what was written under this key.</exception>
    public async ValueTask<bool> ExistsAsync(StoreKey key, CancellationToken cancellation)
    {
        if (_cache.TryGet(key, out var remembered))
        {
            return remembered is not null;
        }

        using var entry = await GetAsync(key, cancellation);
        return entry is not null;
    }

    public Entry Open(StoreKey key, StoredRecord record)
    {
        try
        {
            return new Entry(_keyring.Open(key.Bytes, record.Value.Span), record.Version, record.Due);
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
    ) => batch.Put(key, _keyring.Seal(key.Bytes, plaintext), due, expectedVersion);

    /// <summary>The stored form of a name below <paramref name="folder"/>: equal names give equal bytes only in one folder.</summary>
    public byte[] EncryptName(StoreKey folder, ReadOnlySpan<char> name)
    {
        var most = Encoding.UTF8.GetMaxByteCount(name.Length);
        var bytes = most <= StackLimit ? stackalloc byte[StackLimit] : new byte[most];
        var length = Encoding.UTF8.GetBytes(name, bytes);
        return _keyring.EncryptName(folder.Bytes, bytes[..length]);
    }

    /// <exception cref="StoreCorruptException">The name is not one that was written in this folder.</exception>
    public string DecryptName(StoreKey folder, ReadOnlySpan<byte> segment)
    {
        try
        {
            return Encoding.UTF8.GetString(_keyring.DecryptName(folder.Bytes, segment));
        }
        catch (CryptographicException e)
        {
            throw new StoreCorruptException($"A name below {folder} does not authenticate.", e);
        }
    }

    /// <summary>Forgets what it remembers, and stops watching the store.</summary>
    public void Dispose()
    {
        _observation.Dispose();
        _cache.Clear();
    }

    private async ValueTask<Entry?> LoadAsync(
        StoreKey key,
        ValueTask<StoredRecord?> reading,
        RecordCache.Ticket ticket
    ) => Loaded(key, await reading, ticket);

    private Entry? Loaded(StoreKey key, StoredRecord? record, RecordCache.Ticket ticket)
    {
        // Opened first: what does not authenticate is asked for again next time, and may have been repaired by then.
        var entry = record is null ? null : Open(key, record);
        _cache.Fill(key, record, ticket);
        return entry;
    }
}
