using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Mayfly.Crypto;

/// <summary>
/// HMAC-SHA256 (RFC 2104) under one key, for many short inputs: the two states that depend on the key alone are computed
/// once, and copied for each input. Safe for concurrent use.
/// </summary>
public sealed class HmacSha256 : IDisposable
{
    private const int BlockSize = 64;

    private readonly SecretBytes _key;
    private Sha256.State _inner;
    private Sha256.State _outer;

    /// <param name="key">Any length; it stays the caller's.</param>
    public HmacSha256(ReadOnlySpan<byte> key)
    {
        _key = SecretBytes.CopyOf(key);
        if (!Sha256.IsNative)
        {
            return;
        }

        Span<byte> block = stackalloc byte[BlockSize];
        block.Clear();
        if (key.Length > BlockSize)
        {
            SHA256.HashData(key, block);
        }
        else
        {
            key.CopyTo(block);
        }

        Begin(ref _inner, block, 0x36);
        Begin(ref _outer, block, 0x5c);
        CryptographicOperations.ZeroMemory(block);
    }

    /// <summary>The HMAC of <paramref name="data"/>, 32 bytes.</summary>
    public void HashData(ReadOnlySpan<byte> data, Span<byte> mac)
    {
        if (!Sha256.IsNative)
        {
            HMACSHA256.HashData(_key.Span, data, mac);
            return;
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(mac.Length, Sha256.Size);
        ref var target = ref MemoryMarshal.GetReference(mac);
        var state = _inner;
        Sha256.Update(ref state, ref MemoryMarshal.GetReference(data), (nuint)data.Length);
        Sha256.Final(ref target, ref state);
        state = _outer;
        Sha256.Update(ref state, ref target, Sha256.Size);
        Sha256.Final(ref target, ref state);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _key.Dispose();
        _inner = default;
        _outer = default;
    }

    private static void Begin(ref Sha256.State state, ReadOnlySpan<byte> key, byte pad)
    {
        Span<byte> block = stackalloc byte[BlockSize];
        for (var i = 0; i < BlockSize; i++)
        {
            block[i] = (byte)(key[i] ^ pad);
        }

        Sha256.Init(ref state);
        Sha256.Update(ref state, ref MemoryMarshal.GetReference(block), BlockSize);
        CryptographicOperations.ZeroMemory(block);
    }
}
