using System.Text;

namespace Mayfly.Scanner.Sources;

/// <summary>Tells text from other files by their first bytes, and UTF-16 from UTF-8.</summary>
internal static class TextEncoding
{
    /// <summary>So many bytes are looked at, as git does.</summary>
    public const int Sample = 8000;

    /// <summary>The stream, which is in <paramref name="encoding"/>, as text close to UTF-8.</summary>
    public static Stream Open(Stream stream, Encoding encoding) =>
        encoding.CodePage == Encoding.UTF8.CodePage
            ? stream
            : Encoding.CreateTranscodingStream(stream, encoding, Encoding.UTF8, leaveOpen: true);

    /// <summary>UTF-8 (also for the single-byte encodings, which nothing tells apart), UTF-16, or null for no text.</summary>
    public static Encoding? Of(ReadOnlySpan<byte> sample)
    {
        if (
            sample.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE])
            && !sample.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE, 0, 0])
        )
        {
            return Encoding.Unicode;
        }

        if (sample.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
        {
            return Encoding.BigEndianUnicode;
        }

        if (sample.IndexOf((byte)0) < 0)
        {
            return Encoding.UTF8;
        }

        // Mostly Latin text in UTF-16 has a zero in nearly every other byte, and none between them.
        var (even, odd) = (0, 0);
        for (var i = 0; i < sample.Length; i++)
        {
            _ =
                sample[i] != 0 ? 0
                : i % 2 == 0 ? even++
                : odd++;
        }

        var pairs = sample.Length / 2;
        return pairs < 8 ? null
            : even == 0 && odd > pairs * 3 / 4 ? Encoding.Unicode
            : odd == 0 && even > pairs * 3 / 4 ? Encoding.BigEndianUnicode
            : null;
    }
}
