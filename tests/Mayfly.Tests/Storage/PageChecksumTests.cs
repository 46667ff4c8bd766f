using System.Security.Cryptography;
using Mayfly.Core.Storage.Sqlite;

namespace Mayfly.Tests.Storage;

public sealed class PageChecksumTests
{
    [Fact]
    public void Every_single_flipped_bit_of_a_page_is_found()
    {
        var page = Stamped(position: 4096);
        for (var bit = 0; bit < page.Length * 8; bit++)
        {
            page[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(PageChecksum.Verify(page, 4096), $"bit {bit}");
            page[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.True(PageChecksum.Verify(page, 4096));
    }

    [Fact]
    public void A_page_in_another_pages_place_is_found()
    {
        var page = Stamped(position: 4096);
        Assert.False(PageChecksum.Verify(page, 0));
        Assert.False(PageChecksum.Verify(page, 8192));
    }

    [Fact]
    public void A_page_that_was_never_written_passes()
    {
        Assert.True(PageChecksum.Verify(new byte[MainFile.PageSize], 4096));
    }

    private static byte[] Stamped(long position)
    {
        var page = RandomNumberGenerator.GetBytes(MainFile.PageSize);
        PageChecksum.Stamp(page, position);
        return page;
    }
}
