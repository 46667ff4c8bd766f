namespace Mayfly.Crypto;

/// <summary>
/// The field GF(2^8) with AES's polynomial x^8+x^4+x^3+x+1. Neither branches nor memory addresses depend on the operands, so
/// the time taken tells nothing about them.
/// </summary>
internal static class Gf256
{
    private const uint Polynomial = 0x11B;

    public static byte Multiply(byte a, byte b)
    {
        uint x = a;
        uint y = b;
        uint product = 0;
        for (var bit = 0; bit < 8; bit++)
        {
            product ^= x & (0u - (y & 1));
            y >>= 1;
            x = (x << 1) ^ (Polynomial & (0u - (x >> 7)));
        }

        return (byte)product;
    }

    /// <summary>The multiplicative inverse, as a^254; 0 for 0.</summary>
    public static byte Inverse(byte a)
    {
        // 254 = 11111110 in binary: square seven times, multiplying each square in.
        byte result = 1;
        var square = a;
        for (var bit = 1; bit < 8; bit++)
        {
            square = Multiply(square, square);
            result = Multiply(result, square);
        }

        return result;
    }
}
