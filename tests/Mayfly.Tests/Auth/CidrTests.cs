using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Auth;

namespace Mayfly.Tests.Auth;

public sealed class CidrTests
{
    [Theory]
    [InlineData("10.0.0.0/8", "10.200.3.4", true)]
    [InlineData("10.0.0.0/8", "11.0.0.1", false)]
    [InlineData("10.1.2.3/8", "10.200.3.4", true)]
    [InlineData("10.0.0.1", "10.0.0.1", true)]
    [InlineData("10.0.0.1", "10.0.0.2", false)]
    [InlineData("10.0.0.0/8", "::ffff:10.1.1.1", true)]
    [InlineData("::ffff:10.0.0.0/104", "10.1.1.1", true)]
    [InlineData("::ffff:10.0.0.1", "::ffff:10.0.0.1", true)]
    [InlineData("2001:db8::/32", "2001:db8:1::5", true)]
    [InlineData("2001:db8::/32", "2001:db9::5", false)]
    [InlineData("0.0.0.0/0", "1.2.3.4", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("::/0", "2001:db8::1", true)]
    [InlineData("nonsense", "1.2.3.4", false)]
    public void An_address_is_in_a_network_or_not(string network, string address, bool allowed) =>
        Assert.Equal(allowed, Cidr.Allows([network], IPAddress.Parse(address)));

    [Fact]
    public void No_networks_mean_everywhere_and_several_mean_any()
    {
        Assert.True(Cidr.Allows([], IPAddress.Parse("1.2.3.4")));
        Assert.True(Cidr.Allows(["10.0.0.0/8", "1.2.3.0/24"], IPAddress.Parse("1.2.3.4")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("10.0.0")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0.0/8/8")]
    [InlineData("0x0a.0.0.1")]
    [InlineData("fe80::1%eth0")]
    [InlineData("[::1]")]
    [InlineData("::1/129")]
    [InlineData("host.example")]
    [InlineData("010.0.0.1")]
    [InlineData("10.0.0.256")]
    public void Text_that_could_mean_something_else_is_refused(string text) => Assert.False(Cidr.TryParse(text, out _));

    [Fact]
    public void One_address_is_shown_without_its_length_and_duplicates_once()
    {
        Assert.Equal(
            ["10.0.0.1", "10.0.0.0/8", "::1"],
            Cidr.Normalize(
                ["10.0.0.1/32", " 10.0.0.1 ", "10.0.0.0/8", "::1/128", ""],
                out var bad,
                dropWholeLength: true
            )
        );
        Assert.Equal(["10.0.0.1/32"], Cidr.Normalize(["10.0.0.1/32", "10.0.0.1/32"], out bad));
        Assert.Null(bad);
        Assert.Null(Cidr.Normalize(["10.0.0.0/8", "x"], out bad));
        Assert.Equal("x", bad);
    }

    [Fact]
    public void Networks_within_networks_are_recognised()
    {
        Assert.True(Cidr.IsSubset(["10.1.0.0/16", "192.168.1.1"], ["10.0.0.0/8", "192.168.0.0/16"]));
        Assert.False(Cidr.IsSubset(["10.0.0.0/7"], ["10.0.0.0/8"]));
        Assert.True(Cidr.IsSubset(["10.0.0.0/7"], []));
    }

    [Fact]
    public void Matching_agrees_with_comparing_the_leading_bits_one_by_one()
    {
        var cases =
            from a in ArbMap.Default.GeneratorFor<uint>()
            from flip in Gen.Choose(0, 32)
            from prefix in Gen.Choose(0, 32)
            select (a, flip, prefix);
        Prop.ForAll(
                Arb.From(cases),
                value =>
                {
                    var (a, flip, prefix) = value;
                    var b = flip == 32 ? a : a ^ (0x8000_0000u >> flip);
                    return Cidr.Allows([$"{Address(a)}/{prefix}"], Address(b)) == flip >= prefix;
                }
            )
            .QuickCheckThrowOnFailure();
    }

    private static IPAddress Address(uint value) =>
        new([(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]);
}
