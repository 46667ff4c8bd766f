using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Mayfly.Crypto.Oprf;

/// <summary>
/// The client's half of the oblivious pseudorandom function OPRF(P-256, SHA-256) of RFC 9497, mode 0x00: the value of a
/// function whose key only the server has, at an input that the server does not see. Safe for concurrent use.
/// </summary>
public static class ObliviousPrf
{
    /// <summary>The suite, as RFC 9497 calls it.</summary>
    public const string Suite = "P256-SHA256";

    /// <summary>Bytes of an element on the wire: a compressed point.</summary>
    public const int ElementSize = P256Arithmetic.PointSize;

    /// <summary>Bytes of a blind and of a key.</summary>
    public const int ScalarSize = P256Arithmetic.ScalarSize;

    /// <summary>Bytes of the function's value.</summary>
    public const int OutputSize = Sha256.Size;

    /// <summary>The longest input, in bytes.</summary>
    public const int LongestInput = ushort.MaxValue;

    private static readonly StripedPool<P256Arithmetic> Pool = new(() => new P256Arithmetic());

    /// <summary>Whether it can be computed here: it needs libcrypto 3, on Linux.</summary>
    public static bool IsSupported => P256Arithmetic.IsSupported;

    internal static ReadOnlySpan<byte> GroupTag => "HashToGroup-OPRFV1-\0-P256-SHA256"u8;

    internal static ReadOnlySpan<byte> KeyTag => "DeriveKeyPairOPRFV1-\0-P256-SHA256"u8;

    /// <summary>Hides an input: Blind of RFC 9497.</summary>
    /// <param name="input">At most <see cref="LongestInput"/> bytes.</param>
    /// <param name="blind">Gets what only the client may know: <see cref="ScalarSize"/> bytes.</param>
    /// <param name="element">Gets what goes to the server: <see cref="ElementSize"/> bytes.</param>
    public static void Blind(ReadOnlySpan<byte> input, Span<byte> blind, Span<byte> element)
    {
        var group = Pool.Rent();
        try
        {
            group.RandomScalar(blind);
            Blind(group, input, blind, element);
        }
        finally
        {
            Pool.Return(group);
        }
    }

    /// <summary>The function's value from what the server answered: Finalize of RFC 9497.</summary>
    /// <param name="input">The input.</param>
    /// <param name="blind">As <see cref="Blind(ReadOnlySpan{byte}, Span{byte}, Span{byte})"/> made it.</param>
    /// <param name="evaluated">The server's answer.</param>
    /// <param name="output">Gets <see cref="OutputSize"/> bytes.</param>
    /// <returns>False when the answer is no element.</returns>
    public static bool TryFinalize(
        ReadOnlySpan<byte> input,
        ReadOnlySpan<byte> blind,
        ReadOnlySpan<byte> evaluated,
        Span<byte> output
    )
    {
        var group = Pool.Rent();
        try
        {
            if (!group.TryRead(evaluated))
            {
                return false;
            }

            group.Divide(blind);
            Finish(group, input, output);
            return true;
        }
        finally
        {
            Pool.Return(group);
        }
    }

    internal static void Blind(
        P256Arithmetic group,
        ReadOnlySpan<byte> input,
        ReadOnlySpan<byte> blind,
        Span<byte> element
    )
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(input.Length, LongestInput);
        group.HashToPoint(input, GroupTag);
        group.Multiply(blind);
        group.Write(element);
    }

    /// <summary>The last step of both halves: a hash of the input and of the point that the key has made of it.</summary>
    internal static void Finish(P256Arithmetic group, ReadOnlySpan<byte> input, Span<byte> output)
    {
        Span<byte> element = stackalloc byte[ElementSize];
        Span<byte> length = stackalloc byte[2];
        group.Write(element);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)input.Length);
        hash.AppendData(length);
        hash.AppendData(input);
        BinaryPrimitives.WriteUInt16BigEndian(length, ElementSize);
        hash.AppendData(length);
        hash.AppendData(element);
        hash.AppendData("Finalize"u8);
        hash.GetHashAndReset(output);
    }
}
