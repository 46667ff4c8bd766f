using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Mayfly.Crypto.Oprf;

/// <summary>The server's half of <see cref="ObliviousPrf"/>: the key. Safe for concurrent use until it is disposed.</summary>
public sealed class ObliviousPrfKey : IDisposable
{
    private readonly StripedPool<P256Arithmetic> _pool = new(() => new P256Arithmetic());
    private readonly SecretBytes _key = SecretBytes.Rent(ObliviousPrf.ScalarSize);

    private ObliviousPrfKey() { }

    /// <summary>The key that belongs to a seed: DeriveKeyPair of RFC 9497.</summary>
    /// <param name="seed">32 secret bytes.</param>
    /// <param name="info">Says what the key is for.</param>
    public static ObliviousPrfKey Derive(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> info)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(seed.Length, 32);
        var key = new ObliviousPrfKey();
        using var group = new P256Arithmetic();
        using var input = SecretBytes.Rent(seed.Length + 2 + info.Length + 1);
        seed.CopyTo(input.Span);
        BinaryPrimitives.WriteUInt16BigEndian(input.Span[seed.Length..], (ushort)info.Length);
        info.CopyTo(input.Span[(seed.Length + 2)..]);
        for (var counter = 0; counter <= byte.MaxValue; counter++)
        {
            input.Span[^1] = (byte)counter;
            group.HashToScalar(input.Span, ObliviousPrf.KeyTag, key._key.Span);
            if (group.IsScalar(key._key.Span))
            {
                return key;
            }
        }

        throw new CryptographicException("No key can be derived of that seed.");
    }

    /// <summary>Answers a client without learning its input: BlindEvaluate of RFC 9497.</summary>
    /// <param name="element">What the client has sent.</param>
    /// <param name="evaluated">Gets <see cref="ObliviousPrf.ElementSize"/> bytes.</param>
    /// <returns>False when it is no element of the group.</returns>
    public bool TryEvaluateBlinded(ReadOnlySpan<byte> element, Span<byte> evaluated)
    {
        var group = _pool.Rent();
        try
        {
            if (!group.TryRead(element))
            {
                return false;
            }

            group.Multiply(_key.Span);
            group.Write(evaluated);
            return true;
        }
        finally
        {
            _pool.Return(group);
        }
    }

    /// <summary>The function's value at an input that the server knows: Evaluate of RFC 9497.</summary>
    /// <param name="input">At most <see cref="ObliviousPrf.LongestInput"/> bytes.</param>
    /// <param name="output">Gets <see cref="ObliviousPrf.OutputSize"/> bytes.</param>
    public void Evaluate(ReadOnlySpan<byte> input, Span<byte> output)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(input.Length, ObliviousPrf.LongestInput);
        var group = _pool.Rent();
        try
        {
            group.HashToPoint(input, ObliviousPrf.GroupTag);
            group.Multiply(_key.Span);
            ObliviousPrf.Finish(group, input, output);
        }
        finally
        {
            _pool.Return(group);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _pool.Dispose();
        _key.Dispose();
    }

    internal ReadOnlySpan<byte> Scalar => _key.Span;
}
