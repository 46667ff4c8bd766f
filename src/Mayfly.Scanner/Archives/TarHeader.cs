using System.Buffers.Binary;
using System.Text;

namespace Mayfly.Scanner.Archives;

/// <summary>The block of 512 bytes before every entry (https://www.gnu.org/software/tar/manual/html_node/Standard.html).</summary>
/// <param name="Name">As it stands there, which can be the beginning only of a longer one.</param>
/// <param name="Length">Of what follows, in bytes.</param>
/// <param name="Type">The letter for the kind of entry.</param>
/// <param name="HasMore">Blocks with more of the map of an old sparse file follow.</param>
internal sealed record TarHeader(string Name, long Length, byte Type, bool HasMore)
{
    public const int Size = 512;

    /// <summary>Null when the block is no header: its checksum is wrong.</summary>
    public static TarHeader? Read(ReadOnlySpan<byte> block)
    {
        if (Number(block.Slice(148, 8)) is not { } expected)
        {
            return null;
        }

        var (sum, signed) = (0L, 0L);
        for (var i = 0; i < Size; i++)
        {
            var value = i is >= 148 and < 156 ? (byte)' ' : block[i];
            sum += value;
            signed += (sbyte)value;
        }

        // Some old programs took bytes for signed.
        if (expected == 0 || (expected != sum && expected != signed) || Number(block.Slice(124, 12)) is not { } length)
        {
            return null;
        }

        var name = Text(block[..100]);
        var prefix = block[257..].StartsWith("ustar\0"u8) ? Text(block.Slice(345, 155)) : "";
        return new TarHeader(
            prefix.Length > 0 ? $"{prefix}/{name}" : name,
            length,
            block[156],
            block[156] == (byte)'S' && block[482] == 1
        );
    }

    /// <summary>Up to its first zero.</summary>
    public static string Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }

    /// <summary>In octal digits, or in binary when the first bit is set; null for what is neither.</summary>
    private static long? Number(ReadOnlySpan<byte> field)
    {
        if (field[0] == 0x80 && field.Length == 12)
        {
            var value = BinaryPrimitives.ReadInt64BigEndian(field[4..]);
            return value >= 0 && field[1..4].IndexOfAnyExcept((byte)0) < 0 ? value : null;
        }

        var number = 0L;
        var digits = field.Trim(" \0"u8);
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'7')
            {
                return null;
            }

            number = (number << 3) | (uint)(digit - '0');
        }

        return number;
    }
}
