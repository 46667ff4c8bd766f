using System.Text;
using Mayfly.Crypto.Oprf;

namespace Mayfly.Tests.Crypto;

/// <summary>Vectors of RFC 9380 (appendix J.1.1) and RFC 9497 (appendix A.3.1).</summary>
public sealed class ObliviousPrfTests
{
    private const string Blinding = "3338fa65ec36e0290022b48eb562889d89dbfa691d1cde91517fa222ed7ad364";

    [Theory]
    [InlineData("", "032c15230b26dbc6fc9a37051158c95b79656e17a1a920b11394ca91c44247d3e4")]
    [InlineData("abc", "020bb8b87485551aa43ed54f009230450b492fead5f1cc91658775dac4a3388a0f")]
    [InlineData("abcdef0123456789", "0365038ac8f2b1def042a5df0b33b1f4eca6bff7cb0f9c6c1526811864e544ed80")]
    [InlineData("q128_", "024be61ee205094282ba8a2042bcb48d88dfbb609301c49aa8b078533dc65a0b5d")]
    [InlineData("a512_", "02457ae2981f70ca85d8e24c308b14db22f3e3862c5ea0f652ca38b5e49cd64bc5")]
    public void Texts_are_hashed_to_the_points_of_the_standard(string text, string point)
    {
        text += text switch
        {
            "q128_" => new string('q', 128),
            "a512_" => new string('a', 512),
            _ => "",
        };
        using var group = new P256Arithmetic();
        group.HashToPoint(Encoding.ASCII.GetBytes(text), "QUUX-V01-CS02-with-P256_XMD:SHA-256_SSWU_RO_"u8);
        var made = new byte[P256Arithmetic.PointSize];
        group.Write(made);
        Assert.Equal(point, Convert.ToHexStringLower(made));
    }

    [Theory]
    [InlineData(
        "00",
        "03723a1e5c09b8b9c18d1dcbca29e8007e95f14f4732d9346d490ffc195110368d",
        "030de02ffec47a1fd53efcdd1c6faf5bdc270912b8749e783c7ca75bb412958832",
        "a0b34de5fa4c5b6da07e72af73cc507cceeb48981b97b7285fc375345fe495dd"
    )]
    [InlineData(
        "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
        "03cc1df781f1c2240a64d1c297b3f3d16262ef5d4cf102734882675c26231b0838",
        "03a0395fe3828f2476ffcd1f4fe540e5a8489322d398be3c4e5a869db7fcb7c52c",
        "c748ca6dd327f0ce85f4ae3a8cd6d4d5390bbb804c9e12dcf94f853fece3dcce"
    )]
    public void Each_step_gives_what_the_standard_says(string input, string blinded, string evaluated, string output)
    {
        var text = Convert.FromHexString(input);
        using var key = ObliviousPrfKey.Derive(Enumerable.Repeat((byte)0xa3, 32).ToArray(), "test key"u8);
        Assert.Equal(
            "159749d750713afe245d2d39ccfaae8381c53ce92d098a9375ee70739c7ac0bf",
            Convert.ToHexStringLower(key.Scalar)
        );
        using var group = new P256Arithmetic();
        var blind = Convert.FromHexString(Blinding);
        var element = new byte[ObliviousPrf.ElementSize];
        ObliviousPrf.Blind(group, text, blind, element);
        Assert.Equal(blinded, Convert.ToHexStringLower(element));
        var answer = new byte[ObliviousPrf.ElementSize];
        Assert.True(key.TryEvaluateBlinded(element, answer));
        Assert.Equal(evaluated, Convert.ToHexStringLower(answer));
        var made = new byte[ObliviousPrf.OutputSize];
        Assert.True(ObliviousPrf.TryFinalize(text, blind, answer, made));
        Assert.Equal(output, Convert.ToHexStringLower(made));
        key.Evaluate(text, made);
        Assert.Equal(output, Convert.ToHexStringLower(made));
    }

    [Fact]
    public void The_server_sees_another_element_each_time_and_the_value_is_the_same()
    {
        using var key = ObliviousPrfKey.Derive(new byte[32], "a"u8);
        using var other = ObliviousPrfKey.Derive(new byte[32], "b"u8);
        var expected = new byte[ObliviousPrf.OutputSize];
        var made = new byte[ObliviousPrf.OutputSize];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 20; i++)
        {
            // The same text in pairs.
            var text = Encoding.UTF8.GetBytes($"text {i / 2}");
            var blind = new byte[ObliviousPrf.ScalarSize];
            var element = new byte[ObliviousPrf.ElementSize];
            ObliviousPrf.Blind(text, blind, element);
            Assert.True(seen.Add(Convert.ToHexString(element)));
            Assert.True(key.TryEvaluateBlinded(element, element));
            Assert.True(ObliviousPrf.TryFinalize(text, blind, element, made));
            key.Evaluate(text, expected);
            Assert.Equal(expected, made);
            other.Evaluate(text, expected);
            Assert.NotEqual(expected, made);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("02")]
    [InlineData("000000000000000000000000000000000000000000000000000000000000000000")]
    // No x of a point; a form that is not compressed; the modulus itself; one byte more.
    [InlineData("020000000000000000000000000000000000000000000000000000000000000007")]
    [InlineData("04723a1e5c09b8b9c18d1dcbca29e8007e95f14f4732d9346d490ffc195110368d")]
    [InlineData("02ffffffff00000001000000000000000000000000ffffffffffffffffffffffff")]
    [InlineData("03723a1e5c09b8b9c18d1dcbca29e8007e95f14f4732d9346d490ffc195110368d00")]
    public void What_is_no_point_is_refused(string hex)
    {
        using var key = ObliviousPrfKey.Derive(new byte[32], "a"u8);
        var answer = new byte[ObliviousPrf.ElementSize];
        Assert.False(key.TryEvaluateBlinded(Convert.FromHexString(hex), answer));
        Assert.False(
            ObliviousPrf.TryFinalize("x"u8, Convert.FromHexString(Blinding), Convert.FromHexString(hex), answer)
        );
    }
}
