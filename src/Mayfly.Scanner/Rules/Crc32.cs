namespace Mayfly.Scanner.Rules;

/// <summary>The CRC-32 of zip and of Ethernet, of which tokens carry one. (The framework has only the other polynomial's.)</summary>
internal static class Crc32
{
    /// <summary>The checksum of a text in ASCII.</summary>
    public static uint Of(ReadOnlySpan<char> text)
    {
        var crc = uint.MaxValue;
        foreach (var character in text)
        {
            crc ^= (byte)character;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
            }
        }

        return ~crc;
    }
}
