using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Crypto;

/// <summary>
/// The keys that protect everything stored: versioned key encryption keys (KEK), the keys that encrypt names, and the key
/// that others are derived from. Safe for concurrent use; sealing and opening take no lock.
/// </summary>
public sealed partial class Keyring : IDisposable
{
    private const int DerivationKeySize = 32;

    // A data key encrypts exactly one message and is then forgotten, so a nonce that never changes is never repeated under
    // one key, which is all that GCM asks of it. What is random is the key.
    private static readonly byte[] DataNonce = new byte[Envelope.NonceSize];

    private readonly Lock _changes = new();
    private readonly NameCipher _names;
    private readonly SecretBytes _derivation;
    private Kek[] _keks; // ordered by version; replaced whole
    private Kek _active;
    private volatile bool _disposed;

    private Keyring(NameCipher names, SecretBytes derivation, Kek[] keks)
    {
        _names = names;
        _derivation = derivation;
        _keks = keks;
        _active = keks[^1];
    }

    /// <summary>The version of the KEK that new records get.</summary>
    public int ActiveVersion => (int)Volatile.Read(ref _active).Version;

    /// <summary>When the active KEK was made.</summary>
    public DateTimeOffset ActiveSince => Volatile.Read(ref _active).CreatedAt;

    /// <summary>How often the active KEK may have been used: after a restart, everything that had been reserved counts.</summary>
    public long ActiveUses => Volatile.Read(ref _active).Uses;

    /// <summary>A keyring of fresh keys.</summary>
    /// <param name="createdAt">When; for rotation by age.</param>
    public static Keyring Generate(DateTimeOffset createdAt = default)
    {
        var names = new NameCipher(SecretBytes.Random(NameCipher.KeySize), SecretBytes.Random(NameCipher.KeySize));
        var first = new Kek(1, SecretBytes.Random(Kek.KeySize), createdAt, reserved: 0);
        return new Keyring(names, SecretBytes.Random(DerivationKeySize), [first]);
    }

    /// <summary>
    /// Encrypts under a data key made for this call alone. <paramref name="context"/> is bound to both the value and the
    /// wrapped key, so the envelope opens nowhere else.
    /// </summary>
    public byte[] Seal(ReadOnlySpan<byte> context, ReadOnlySpan<byte> plaintext)
    {
        var envelope = GC.AllocateUninitializedArray<byte>(Envelope.Overhead + plaintext.Length);
        Span<byte> random = stackalloc byte[Envelope.DekSize + Envelope.NonceSize];
        var dek = random[..Envelope.DekSize];
        try
        {
            RandomNumberGenerator.Fill(random);
            var header = envelope.AsSpan(0, Envelope.HeaderSize);
            Volatile.Read(ref _active).Wrap(dek, random[Envelope.DekSize..], context, header);
            var body = envelope.AsSpan(Envelope.HeaderSize);
            using var data = new AesGcm(dek, Envelope.TagSize);
            data.Encrypt(DataNonce, plaintext, body[..plaintext.Length], body[plaintext.Length..], context);
            return envelope;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(dek);
        }
    }

    /// <summary>Decrypts what <see cref="Seal"/> made with the same context.</summary>
    /// <exception cref="CryptographicException">It was changed, cut, or belongs to another context or keyring.</exception>
    public SecretBytes Open(ReadOnlySpan<byte> context, ReadOnlySpan<byte> envelope)
    {
        var parts = Envelope.Read(envelope);
        Span<byte> dek = stackalloc byte[Envelope.DekSize];
        SecretBytes? plaintext = null;
        try
        {
            Find(parts.KekVersion).Unwrap(parts, context, dek);
            using var data = new AesGcm(dek, Envelope.TagSize);
            plaintext = SecretBytes.Rent(parts.Ciphertext.Length);
            data.Decrypt(DataNonce, parts.Ciphertext, parts.Tag, plaintext.Span, context);
            return plaintext;
        }
        catch
        {
            plaintext?.Dispose();
            throw;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(dek);
        }
    }

    /// <summary>Whether <paramref name="bytes"/> have the form of an envelope; says nothing about their being genuine.</summary>
    public static bool IsEnvelope(ReadOnlySpan<byte> bytes) => Envelope.TryRead(bytes, out _);

    /// <summary>
    /// The same envelope with its data key wrapped by the active KEK, or null when it already is. Only the header differs: the
    /// data is neither decrypted nor touched.
    /// </summary>
    /// <exception cref="CryptographicException">The header was changed, or belongs to another context or keyring.</exception>
    public byte[]? Rewrap(ReadOnlySpan<byte> context, ReadOnlySpan<byte> envelope)
    {
        var parts = Envelope.Read(envelope);
        var active = Volatile.Read(ref _active);
        if (parts.KekVersion == active.Version)
        {
            return null;
        }

        Span<byte> random = stackalloc byte[Envelope.DekSize + Envelope.NonceSize];
        var dek = random[..Envelope.DekSize];
        var nonce = random[Envelope.DekSize..];
        try
        {
            Find(parts.KekVersion).Unwrap(parts, context, dek);
            RandomNumberGenerator.Fill(nonce);
            var rewrapped = envelope.ToArray();
            active.Wrap(dek, nonce, context, rewrapped.AsSpan(0, Envelope.HeaderSize));
            return rewrapped;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(dek);
        }
    }

    /// <summary>Deterministic encryption of a name within <paramref name="folder"/>: equal names give equal bytes only there.</summary>
    public byte[] EncryptName(ReadOnlySpan<byte> folder, ReadOnlySpan<byte> name) => _names.Encrypt(folder, name);

    /// <summary>Recovers what <see cref="EncryptName"/> encrypted in the same folder.</summary>
    /// <exception cref="CryptographicException">It was changed, or belongs to another folder or keyring.</exception>
    public byte[] DecryptName(ReadOnlySpan<byte> folder, ReadOnlySpan<byte> encrypted) =>
        _names.Decrypt(folder, encrypted);

    /// <summary>A 32-byte key for <paramref name="purpose"/> that lives as long as the keyring: it never rotates.</summary>
    /// <remarks>HKDF-Expand (RFC 5869) alone: the key that it starts from is uniformly random, so there is nothing to extract.</remarks>
    public SecretBytes DeriveKey(string purpose)
    {
        var key = SecretBytes.Rent(32);
        HKDF.Expand(HashAlgorithmName.SHA256, _derivation.Span, key.Span, Encoding.UTF8.GetBytes(purpose));
        Interlocked.MemoryBarrier();
        if (_disposed)
        {
            // The key may have been read while it was being cleared.
            key.Dispose();
            throw new ObjectDisposedException(nameof(Keyring));
        }

        return key;
    }

    /// <summary>Clears every key. Calls that are under way end, or throw <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        lock (_changes)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            Interlocked.MemoryBarrier();
            _names.Dispose();
            _derivation.Dispose();
            foreach (var kek in _keks)
            {
                kek.Dispose();
            }
        }
    }

    private Kek Find(uint version)
    {
        var keks = Volatile.Read(ref _keks);

        // Versions are consecutive, so the place follows from the number.
        var index = (long)version - keks[0].Version;
        return index >= 0 && index < keks.Length
            ? keks[index]
            : throw new CryptographicException("The envelope names a key that this keyring does not have.");
    }
}
