using System.Security.Cryptography;

namespace Mayfly.Crypto;

/// <summary>
/// Shamir's secret sharing ("How to share a secret", CACM 1979), byte by byte over GF(2^8). A share is the value of each
/// byte's polynomial, followed by the x coordinate as the last byte, as Vault has them.
/// </summary>
public static class Shamir
{
    /// <summary>There are no more x coordinates than this.</summary>
    public const int MaxShares = 255;

    /// <summary>
    /// Splits <paramref name="secret"/> so that any <paramref name="threshold"/> of <paramref name="count"/> shares recover it and
    /// fewer tell nothing. The shares are the caller's to dispose.
    /// </summary>
    /// <param name="secret">What to split; not empty.</param>
    /// <param name="count">2 to 255.</param>
    /// <param name="threshold">2 to <paramref name="count"/>.</param>
    public static IReadOnlyList<SecretBytes> Split(ReadOnlySpan<byte> secret, int count, int threshold)
    {
        ArgumentOutOfRangeException.ThrowIfZero(secret.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(threshold, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, threshold);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MaxShares);
        var places = new byte[MaxShares];
        for (var i = 0; i < places.Length; i++)
        {
            places[i] = (byte)(i + 1);
        }

        RandomNumberGenerator.Shuffle(places.AsSpan());
        using var coefficients = SecretBytes.Random(secret.Length * (threshold - 1));
        var shares = new SecretBytes[count];
        for (var i = 0; i < count; i++)
        {
            shares[i] = SecretBytes.Rent(secret.Length + 1);
            shares[i].Span[^1] = places[i];
            for (var at = 0; at < secret.Length; at++)
            {
                var polynomial = coefficients.Span.Slice(at * (threshold - 1), threshold - 1);
                shares[i].Span[at] = Evaluate(secret[at], polynomial, places[i]);
            }
        }

        return shares;
    }

    /// <summary>
    /// The secret that the shares stand for. Shares that do not belong together, or are too few, give a wrong secret: whoever
    /// calls must be able to tell.
    /// </summary>
    /// <exception cref="CryptographicException">They cannot be shares of one secret: lengths differ, or two are the same place.</exception>
    public static SecretBytes Combine(IReadOnlyList<SecretBytes> shares)
    {
        if (shares.Count is < 2 or > MaxShares || shares[0].Length < 2)
        {
            throw new CryptographicException("Recovering a secret takes between 2 and 255 shares of at least 2 bytes.");
        }

        var weights = Weights(shares);
        var secret = SecretBytes.Rent(shares[0].Length - 1);
        for (var at = 0; at < secret.Length; at++)
        {
            byte sum = 0;
            for (var i = 0; i < shares.Count; i++)
            {
                sum ^= Gf256.Multiply(shares[i].Span[at], weights[i]);
            }

            secret.Span[at] = sum;
        }

        return secret;
    }

    /// <summary>Horner's rule; <paramref name="constant"/> is the value at zero, which is the secret.</summary>
    private static byte Evaluate(byte constant, ReadOnlySpan<byte> coefficients, byte x)
    {
        byte value = 0;
        for (var i = coefficients.Length - 1; i >= 0; i--)
        {
            value = (byte)(Gf256.Multiply(value, x) ^ coefficients[i]);
        }

        return (byte)(Gf256.Multiply(value, x) ^ constant);
    }

    /// <summary>Lagrange's basis polynomials at zero; they depend on the x coordinates alone, which are not secret.</summary>
    private static byte[] Weights(IReadOnlyList<SecretBytes> shares)
    {
        var weights = new byte[shares.Count];
        for (var i = 0; i < shares.Count; i++)
        {
            if (shares[i].Length != shares[0].Length || shares[i].Span[^1] == 0)
            {
                throw new CryptographicException("The shares are not of one secret.");
            }

            byte numerator = 1;
            byte denominator = 1;
            for (var j = 0; j < shares.Count; j++)
            {
                if (j == i)
                {
                    continue;
                }

                if (shares[j].Span[^1] == shares[i].Span[^1])
                {
                    throw new CryptographicException("Two of the shares are the same.");
                }

                numerator = Gf256.Multiply(numerator, shares[j].Span[^1]);
                denominator = Gf256.Multiply(denominator, (byte)(shares[i].Span[^1] ^ shares[j].Span[^1]));
            }

            weights[i] = Gf256.Multiply(numerator, Gf256.Inverse(denominator));
        }

        return weights;
    }
}
