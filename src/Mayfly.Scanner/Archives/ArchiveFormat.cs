namespace Mayfly.Scanner.Archives;

/// <summary>What a file is by its first bytes. What its name says is not asked.</summary>
internal enum ArchiveFormat
{
    None,
    Zip,
    Tar,
    Gzip,

    // These can be told, but not read.
    Bzip2,
    Xz,
    Zstandard,
    SevenZip,
    Rar,
}

/// <summary>Tells archives from other files.</summary>
internal static class ArchiveFormats
{
    /// <param name="head">The first bytes of a file, at least 512 if it has them.</param>
    public static ArchiveFormat Of(ReadOnlySpan<byte> head)
    {
        if (head.Length < 4)
        {
            return ArchiveFormat.None;
        }

        var format = head[0] switch
        {
            (byte)'P' when head.StartsWith("PK\x03\x04"u8) || head.StartsWith("PK\x05\x06"u8) => ArchiveFormat.Zip,
            0x1F when head.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B, 8]) => ArchiveFormat.Gzip,
            (byte)'B' when IsBzip2(head) => ArchiveFormat.Bzip2,
            0xFD when head.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]) =>
                ArchiveFormat.Xz,
            0x28 when head.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]) => ArchiveFormat.Zstandard,
            (byte)'7' when head.StartsWith((ReadOnlySpan<byte>)[(byte)'7', (byte)'z', 0xBC, 0xAF, 0x27, 0x1C]) =>
                ArchiveFormat.SevenZip,
            (byte)'R' when head.StartsWith((ReadOnlySpan<byte>)[.. "Rar!"u8, 0x1A, 7]) => ArchiveFormat.Rar,
            _ => ArchiveFormat.None,
        };
        return
            format == ArchiveFormat.None
            && head.Length >= TarHeader.Size
            && TarHeader.Read(head[..TarHeader.Size]) is not null
            ? ArchiveFormat.Tar
            : format;
    }

    private static bool IsBzip2(ReadOnlySpan<byte> head) =>
        head.Length >= 10
        && head.StartsWith("BZh"u8)
        && head[4..].StartsWith((ReadOnlySpan<byte>)[0x31, 0x41, 0x59, 0x26, 0x53, 0x59]);
}
