using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Mayfly.Crypto;

/// <summary>
/// Deterministic authenticated encryption of names: the SIV construction of Rogaway and Shrimpton ("Deterministic
/// Authenticated-Encryption", EUROCRYPT 2006), with HMAC-SHA256 (first 128 bits) as the pseudo-random function and AES-256 in
/// CBC mode as the IV-based encryption, under two independent keys as their theorem demands. It tells whether two names in one
/// folder are equal, and their length in 16-byte steps; nothing else. Safe for concurrent use.
/// </summary>
internal sealed class NameCipher : IDisposable
{
    public const int KeySize = 32;

    private const int BlockSize = 16;

    private readonly SecretBytes _macKey;
    private readonly SecretBytes _encryptionKey;
    private readonly StripedPool<Keyed> _pool;

    /// <summary>Takes both keys over.</summary>
    public NameCipher(SecretBytes macKey, SecretBytes encryptionKey)
    {
        _macKey = macKey;
        _encryptionKey = encryptionKey;
        _pool = new StripedPool<Keyed>(() => new Keyed(_macKey.Span, _encryptionKey.Span));
    }

    public ReadOnlySpan<byte> UnsafeMacKey => _macKey.Span;

    public ReadOnlySpan<byte> UnsafeEncryptionKey => _encryptionKey.Span;

    public byte[] Encrypt(ReadOnlySpan<byte> folder, ReadOnlySpan<byte> name)
    {
        var result = new byte[BlockSize + (name.Length / BlockSize + 1) * BlockSize];
        var iv = result.AsSpan(0, BlockSize);
        var keyed = _pool.Rent();
        try
        {
            keyed.Iv(folder, name, iv);
            keyed.Aes.EncryptCbc(name, iv, result.AsSpan(BlockSize));
        }
        finally
        {
            _pool.Return(keyed);
        }

        return result;
    }

    /// <exception cref="CryptographicException">It was changed, or belongs to another folder or key.</exception>
    public byte[] Decrypt(ReadOnlySpan<byte> folder, ReadOnlySpan<byte> encrypted)
    {
        if (encrypted.Length < 2 * BlockSize || encrypted.Length % BlockSize != 0)
        {
            throw new CryptographicException("Not an encrypted name.");
        }

        Span<byte> iv = stackalloc byte[BlockSize];
        var keyed = _pool.Rent();
        try
        {
            var name = keyed.Aes.DecryptCbc(encrypted[BlockSize..], encrypted[..BlockSize]);
            keyed.Iv(folder, name, iv);
            return CryptographicOperations.FixedTimeEquals(iv, encrypted[..BlockSize])
                ? name
                : throw new CryptographicException("The name does not authenticate.");
        }
        finally
        {
            _pool.Return(keyed);
        }
    }

    public void Dispose()
    {
        _pool.Dispose();
        _macKey.Dispose();
        _encryptionKey.Dispose();
    }

    /// <summary>Both keys made ready; one thread at a time.</summary>
    private sealed class Keyed : IDisposable
    {
        private readonly IncrementalHash _mac;

        public Keyed(ReadOnlySpan<byte> macKey, ReadOnlySpan<byte> encryptionKey)
        {
            _mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, macKey);
            Aes = Aes.Create();
            Aes.SetKey(encryptionKey);
        }

        public Aes Aes { get; }

        /// <summary>The synthetic IV. The folder's length stands first, so folder and name cannot be confused.</summary>
        public void Iv(ReadOnlySpan<byte> folder, ReadOnlySpan<byte> name, Span<byte> iv)
        {
            Span<byte> length = stackalloc byte[sizeof(int)];
            Span<byte> full = stackalloc byte[HMACSHA256.HashSizeInBytes];
            BinaryPrimitives.WriteInt32BigEndian(length, folder.Length);
            _mac.AppendData(length);
            _mac.AppendData(folder);
            _mac.AppendData(name);
            _mac.GetHashAndReset(full);
            full[..BlockSize].CopyTo(iv);
        }

        public void Dispose()
        {
            _mac.Dispose();
            Aes.Dispose();
        }
    }
}
