using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Mayfly.Crypto;

/// <summary>
/// One version of the key that encrypts data keys: AES-256-GCM with random 96-bit nonces. It counts its uses, since NIST SP
/// 800-38D (section 8.3) allows 2^32 of them per key. Safe for concurrent use; the hot path takes no lock.
/// </summary>
internal sealed class Kek : IDisposable
{
    public const int KeySize = 32;

    /// <summary>Never exceeded: a wrap beyond it is refused. Rotation comes long before.</summary>
    public const long UseLimit = 1L << 32;

    private const int ContextPrefix = 1 + sizeof(uint);
    private const int StackLimit = 512;

    private readonly SecretBytes _key;
    private readonly StripedPool<AesGcm> _ciphers;
    private long _uses;
    private long _reserved;

    /// <param name="version">Counts from one.</param>
    /// <param name="key">Is taken over.</param>
    /// <param name="createdAt">For rotation by age.</param>
    /// <param name="reserved">How many uses may have happened before: all that were ever reserved count as used.</param>
    public Kek(uint version, SecretBytes key, DateTimeOffset createdAt, long reserved)
    {
        Version = version;
        CreatedAt = createdAt;
        _key = key;
        _uses = reserved;
        _reserved = reserved;
        _ciphers = new StripedPool<AesGcm>(() => new AesGcm(_key.Span, Envelope.TagSize));
    }

    public uint Version { get; }

    public DateTimeOffset CreatedAt { get; }

    public long Uses => Volatile.Read(ref _uses);

    /// <summary>What the persisted keyring says, so that a crash forgets no use.</summary>
    public long Reserved => Volatile.Read(ref _reserved);

    public ReadOnlySpan<byte> UnsafeKey => _key.Span;

    public void Reserve(long uses) => Volatile.Write(ref _reserved, Math.Max(Reserved, Uses + uses));

    /// <summary>Writes a header that holds <paramref name="dek"/> for <paramref name="context"/>.</summary>
    /// <param name="dek">The data key.</param>
    /// <param name="nonce">Twelve random bytes.</param>
    /// <param name="context">The record's address.</param>
    /// <param name="header">The destination.</param>
    public void Wrap(ReadOnlySpan<byte> dek, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> context, Span<byte> header)
    {
        if (Interlocked.Increment(ref _uses) > UseLimit)
        {
            throw new InvalidOperationException($"Key {Version} has reached its limit of uses and must be rotated.");
        }

        Envelope.WriteHeader(header, Version, out var headerNonce, out var wrapped, out var tag);
        nonce.CopyTo(headerNonce);
        var length = ContextPrefix + context.Length;
        var bound = length <= StackLimit ? stackalloc byte[StackLimit] : new byte[length];
        bound = Bind(context, bound);
        var cipher = _ciphers.Rent();
        try
        {
            cipher.Encrypt(nonce, dek, wrapped, tag, bound);
        }
        finally
        {
            _ciphers.Return(cipher);
        }
    }

    /// <summary>Recovers the data key.</summary>
    /// <exception cref="CryptographicException">The header was changed, or belongs to another context or key.</exception>
    public void Unwrap(Envelope envelope, ReadOnlySpan<byte> context, Span<byte> dek)
    {
        var length = ContextPrefix + context.Length;
        var bound = length <= StackLimit ? stackalloc byte[StackLimit] : new byte[length];
        bound = Bind(context, bound);
        var cipher = _ciphers.Rent();
        try
        {
            cipher.Decrypt(envelope.WrapNonce, envelope.WrappedDek, envelope.WrapTag, dek, bound);
        }
        finally
        {
            _ciphers.Return(cipher);
        }
    }

    public void Dispose()
    {
        _ciphers.Dispose();
        _key.Dispose();
    }

    /// <summary>
    /// The associated data of a wrapped key: format and KEK version, then the record's address. The fixed part stands first, so
    /// two different inputs never give the same bytes.
    /// </summary>
    private Span<byte> Bind(ReadOnlySpan<byte> context, Span<byte> buffer)
    {
        buffer[0] = Envelope.Format;
        BinaryPrimitives.WriteUInt32BigEndian(buffer[1..], Version);
        context.CopyTo(buffer[ContextPrefix..]);
        return buffer[..(ContextPrefix + context.Length)];
    }
}
