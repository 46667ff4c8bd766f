using Mayfly.Crypto;

namespace Mayfly.Tests.Crypto;

/// <summary>Vectors of the authors' reference: the key 00…0f, and messages 00, 01, … of each length.</summary>
public sealed class SipHashTests
{
    [Theory]
    [InlineData(0, 0x726fdb47dd0e0e31)]
    [InlineData(1, 0x74f839c593dc67fd)]
    [InlineData(2, 0x0d6c8009d9a94f5a)]
    [InlineData(3, 0x85676696d7fb7e2d)]
    [InlineData(4, 0xcf2794e0277187b7)]
    [InlineData(5, 0x18765564cd99a68d)]
    [InlineData(6, 0xcbc9466e58fee3ce)]
    [InlineData(7, 0xab0200f58b01d137)]
    [InlineData(8, 0x93f5f5799a932462)]
    [InlineData(9, 0x9e0082df0ba9e4b0)]
    [InlineData(10, 0x7a5dbbc594ddb9f3)]
    [InlineData(11, 0xf4b32f46226bada7)]
    [InlineData(15, 0xa129ca6149be45e5)]
    public void Each_length_gives_the_references_value(int length, ulong value)
    {
        byte[] bytes = [.. Enumerable.Range(0, 16).Select(i => (byte)i)];
        Assert.Equal(value, SipHash.Hash(bytes, bytes.AsSpan(0, length)));
    }
}
