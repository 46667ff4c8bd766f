using System.Text;

namespace Mayfly.Scanner.Scanning;

/// <summary>Finds lines and columns of places in a text that was decoded from a part of a fragment. Immutable.</summary>
/// <param name="fragment">The fragment.</param>
/// <param name="from">Where the text's bytes begin in it.</param>
/// <param name="to">Where they end.</param>
/// <param name="text">The text.</param>
internal sealed class TextPlace(Fragment fragment, int from, int to, string text)
{
    private readonly int _line = fragment.FirstLine + fragment.Bytes.Span[..from].Count((byte)'\n');

    /// <summary>The line (from the fragment's first on) and the column (from 1) of a place in the text.</summary>
    public (int Line, int Column) At(int place)
    {
        var before = text.AsSpan(0, place);
        var lineStart = before.LastIndexOf('\n');
        if (lineStart >= 0)
        {
            return (_line + before.Count('\n'), place - lineStart);
        }

        // The line has begun before the text, and perhaps before the fragment.
        var earlier = fragment.Bytes.Span[..from];
        var start = earlier.LastIndexOf((byte)'\n') + 1;
        var column = place + 1 + Decoded(earlier[start..]).Length;
        return (_line, start == 0 ? column + fragment.FirstColumn - 1 : column);
    }

    /// <summary>The lines on which a part of the text stands, without the last one's end.</summary>
    public string Lines(int place, int length)
    {
        var start = text.AsSpan(0, place).LastIndexOf('\n') + 1;
        var after = text.AsSpan(place + length);
        var end = after.IndexOf('\n');
        var (head, tail) = ("", "");
        if (start == 0)
        {
            var earlier = fragment.Bytes.Span[..from];
            head = Decoded(earlier[(earlier.LastIndexOf((byte)'\n') + 1)..]);
        }

        if (end < 0)
        {
            var later = fragment.Bytes.Span[to..];
            var lineEnd = later.IndexOf((byte)'\n');
            tail = Decoded(lineEnd < 0 ? later : later[..lineEnd]);
        }

        return string.Concat(head, text.AsSpan(start, (end < 0 ? text.Length : place + length + end) - start), tail);
    }

    private static string Decoded(ReadOnlySpan<byte> bytes)
    {
        var characters = new char[bytes.Length];
        return new string(characters, 0, SecretScanner.Decode(bytes, characters));
    }
}
