using System.Numerics;
using System.Runtime.InteropServices;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>
/// The checksum of a page: two CRC-32C, over the even and the odd 8-byte words, both seeded with the page's position. A
/// CRC finds every single flipped bit and every burst up to 32 bits; the position finds a page that stands in another's
/// place. Two lanes, because the processor's CRC instruction takes three cycles but can start one in each.
/// </summary>
internal static class PageChecksum
{
    public const int Size = sizeof(ulong);

    /// <summary>The checksum of <paramref name="bytes"/>, a multiple of eight bytes.</summary>
    public static ulong Compute(ReadOnlySpan<byte> bytes, long position)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        var even = BitOperations.Crc32C(uint.MaxValue, (ulong)position);
        var odd = BitOperations.Crc32C(0x5A5A5A5A, (ulong)position);
        var i = 0;
        for (; i + 1 < words.Length; i += 2)
        {
            even = BitOperations.Crc32C(even, words[i]);
            odd = BitOperations.Crc32C(odd, words[i + 1]);
        }

        if (i < words.Length)
        {
            even = BitOperations.Crc32C(even, words[i]);
        }

        return even | ((ulong)odd << 32);
    }

    /// <summary>Writes the checksum into the last eight bytes of <paramref name="page"/>.</summary>
    public static void Stamp(Span<byte> page, long position) =>
        MemoryMarshal.Write(page[^Size..], Compute(page[..^Size], position));

    /// <summary>
    /// Whether the page is what was stamped. A page of zeros passes: SQLite leaves holes for pages that it freed before
    /// it ever wrote them, refuses them wherever it expects content, and no single bit makes one.
    /// </summary>
    public static bool Verify(ReadOnlySpan<byte> page, long position) =>
        MemoryMarshal.Read<ulong>(page[^Size..]) == Compute(page[..^Size], position)
        || page.IndexOfAnyExcept((byte)0) < 0;
}
