using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Crypto;

namespace Mayfly.Tests.Crypto;

public sealed class ShamirTests
{
    [Fact]
    public void Any_threshold_of_shares_recovers_the_secret_and_one_less_does_not()
    {
        var cases =
            from secret in Gen.ArrayOf(Gen.Choose(0, 255).Select(value => (byte)value), 32)
            from count in Gen.Choose(2, 12)
            from threshold in Gen.Choose(2, count)
            from order in Gen.Shuffle(Enumerable.Range(0, count).ToArray())
            select (secret, count, threshold, order);
        Prop.ForAll(
                cases.ToArbitrary(),
                test =>
                {
                    var shares = Shamir.Split(test.secret, test.count, test.threshold);
                    var chosen = test.order.Select(place => shares[place]).ToList();
                    using var recovered = Shamir.Combine([.. chosen.Take(test.threshold)]);
                    using var fromAll = Shamir.Combine(chosen);
                    var enough =
                        recovered.Span.SequenceCompareTo(test.secret) == 0
                        && fromAll.Span.SequenceCompareTo(test.secret) == 0;
                    if (test.threshold == 2)
                    {
                        return enough;
                    }

                    using var tooFew = Shamir.Combine([.. chosen.Take(test.threshold - 1)]);
                    return enough && tooFew.Span.SequenceCompareTo(test.secret) != 0;
                }
            )
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Two_hundred_and_fifty_five_shares_are_the_most_and_all_are_different_places()
    {
        var secret = RandomNumberGenerator.GetBytes(32);
        var shares = Shamir.Split(secret, 255, 255);
        Assert.Equal(255, shares.Select(share => share.Span[^1]).Distinct().Count());
        Assert.DoesNotContain(shares, share => share.Span[^1] == 0);
        Assert.All(shares, share => Assert.Equal(33, share.Length));
        using var recovered = Shamir.Combine(shares);
        Assert.Equal(secret, recovered.Span.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => Shamir.Split(secret, 256, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => Shamir.Split(secret, 2, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => Shamir.Split(secret, 2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Shamir.Split([], 2, 2));
    }

    [Fact]
    public void Shares_that_cannot_belong_together_are_refused()
    {
        var shares = Shamir.Split("secret"u8, 3, 2);
        using var cut = SecretBytes.CopyOf(shares[1].Span[1..]);
        using var nowhere = SecretBytes.CopyOf(shares[1].Span);
        nowhere.Span[^1] = 0;
        Assert.Throws<CryptographicException>(() => Shamir.Combine([shares[0]]));
        Assert.Throws<CryptographicException>(() => Shamir.Combine([shares[0], shares[0]]));
        Assert.Throws<CryptographicException>(() => Shamir.Combine([shares[0], cut]));
        Assert.Throws<CryptographicException>(() => Shamir.Combine([shares[0], nowhere]));
    }

    [Fact]
    public void Shares_worked_out_by_hand_give_their_secret()
    {
        // f(x) = 0x42 + 0x53 x over GF(2^8): f(1) = 0x11; f(2) = 0x42 ^ 0xA6 = 0xE4.
        using var one = SecretBytes.CopyOf([0x11, 0x01]);
        using var two = SecretBytes.CopyOf([0xE4, 0x02]);
        using var secret = Shamir.Combine([one, two]);
        Assert.Equal(0x42, secret.Span[0]);
    }

    [Fact]
    public void The_field_obeys_its_laws()
    {
        // FIPS 197, section 4.2: {57} x {83} = {c1}, {57} x {13} = {fe}; {53} and {ca} are inverses.
        Assert.Equal(0xC1, Gf256.Multiply(0x57, 0x83));
        Assert.Equal(0xFE, Gf256.Multiply(0x57, 0x13));
        Assert.Equal(0xCA, Gf256.Inverse(0x53));
        for (var a = 0; a < 256; a++)
        {
            Assert.Equal(a == 0 ? 0 : 1, Gf256.Multiply((byte)a, Gf256.Inverse((byte)a)));
            Assert.Equal(a, Gf256.Multiply((byte)a, 1));
            for (var b = 0; b < 256; b++)
            {
                Assert.Equal(Gf256.Multiply((byte)a, (byte)b), Gf256.Multiply((byte)b, (byte)a));
                Assert.Equal(
                    Gf256.Multiply((byte)a, (byte)(b ^ 0x1D)),
                    Gf256.Multiply((byte)a, (byte)b) ^ Gf256.Multiply((byte)a, 0x1D)
                );
            }
        }
    }
}
