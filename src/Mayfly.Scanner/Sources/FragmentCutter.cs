using System.Text;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Scanner.Sources;

/// <summary>
/// Cuts a stream into fragments of some hundred kilobytes: after a blank line where there is one, so that keys of several
/// lines stay whole, else after a line; a line that is longer is cut with an overlap. One owner at a time; the buffer is
/// used again for each stream, so a fragment's bytes are good only until the next.
/// </summary>
internal sealed class FragmentCutter
{
    /// <summary>A fragment has at most so many bytes.</summary>
    public const int Size = 256 << 10;

    /// <summary>So many bytes of a line that had to be cut are looked at twice, so that a secret at the cut is seen whole.</summary>
    public const int Overlap = 8 << 10;

    private readonly byte[] _buffer = new byte[Size];

    /// <summary>The fragments of <paramref name="text"/>, which is UTF-8 or close to it.</summary>
    public IEnumerable<Fragment> Cut(Stream text, Fragment model)
    {
        var length = 0;
        var line = model.FirstLine;
        var column = 1;
        while (true)
        {
            var read = text.ReadAtLeast(_buffer.AsSpan(length), Size - length, throwOnEndOfStream: false);
            var atEnd = read < Size - length;
            length += read;
            if (length == 0)
            {
                yield break;
            }

            if (line == model.FirstLine && column == 1 && _buffer.AsSpan(0, length).StartsWith("\uFEFF"u8))
            {
                // The mark of the encoding is no character of the first line.
                _buffer.AsSpan(3, length - 3).CopyTo(_buffer);
                length -= 3;
                if (!atEnd)
                {
                    continue;
                }
            }

            var (end, next) = atEnd ? (length, length) : CutIn(_buffer);
            yield return model with
            {
                Bytes = _buffer.AsMemory(0, end),
                FirstLine = line,
                FirstColumn = column,
            };
            if (atEnd)
            {
                yield break;
            }

            (line, column) = Advance(_buffer.AsSpan(0, next), line, column);
            _buffer.AsSpan(next, length - next).CopyTo(_buffer);
            length -= next;
        }
    }

    /// <summary>Where the fragment ends, and where the next one begins.</summary>
    private static (int End, int Next) CutIn(ReadOnlySpan<byte> full)
    {
        var half = full[(full.Length / 2)..];
        var cut = Math.Max(half.LastIndexOf("\n\n"u8) + 2, half.LastIndexOf("\n\r\n"u8) + 3);
        if (cut > 3)
        {
            return (full.Length / 2 + cut, full.Length / 2 + cut);
        }

        var line = half.LastIndexOf((byte)'\n');
        if (line >= 0)
        {
            return (full.Length / 2 + line + 1, full.Length / 2 + line + 1);
        }

        var next = full.Length - Overlap;
        while (next < full.Length - Overlap + 4 && (full[next] & 0xC0) == 0x80)
        {
            next++;
        }

        return (full.Length, next);
    }

    private static (int Line, int Column) Advance(ReadOnlySpan<byte> passed, int line, int column)
    {
        var lines = passed.Count((byte)'\n');
        var last = passed[(passed.LastIndexOf((byte)'\n') + 1)..];
        var characters = Encoding.UTF8.GetCharCount(last);
        return (line + lines, lines > 0 ? 1 + characters : column + characters);
    }
}
