using System.Text;

namespace Mayfly.Scanner.Scanning;

/// <summary>
/// Finds lines and columns of places in a text that was decoded from a part of a fragment. Places are asked for from the first
/// to the last for the most part, so what is known about a line serves for all that is on it. One owner.
/// </summary>
/// <param name="fragment">The fragment.</param>
/// <param name="from">Where the text's bytes begin in it.</param>
/// <param name="to">Where they end.</param>
/// <param name="text">The text.</param>
internal sealed class TextPlace(Fragment fragment, int from, int to, string text)
{
    private readonly int _firstLine = fragment.FirstLine + fragment.Bytes.Span[..from].Count((byte)'\n');

    // The line of the place that was asked for last: its number in the text, and where it begins there.
    private int _lineNumber;
    private int _lineStart;

    // The lines that were asked for last, and where they begin and end in the text.
    private (int Start, int End) _linesAt = (-1, -1);
    private string _lines = "";
    private string? _comment;
    private string? _head;

    /// <summary>The line (from the fragment's first on) and the column (from 1) of a place in the text.</summary>
    public (int Line, int Column) At(int place)
    {
        Seek(place);
        if (_lineStart > 0)
        {
            return (_firstLine + _lineNumber, place - _lineStart + 1);
        }

        // The line has begun before the text, and perhaps before the fragment.
        var isCut = fragment.Bytes.Span[..from].LastIndexOf((byte)'\n') < 0;
        return (_firstLine, place + 1 + Head.Length + (isCut ? fragment.FirstColumn - 1 : 0));
    }

    /// <summary>The lines on which a part of the text stands, without the last one's end.</summary>
    public string Lines(int place, int length)
    {
        Seek(place);
        if (_linesAt.Start == _lineStart && place + length <= _linesAt.End)
        {
            return _lines;
        }

        var after = text.AsSpan(place + length).IndexOf('\n');
        _linesAt = (_lineStart, after < 0 ? text.Length : place + length + after);
        var head = _lineStart == 0 ? Head : "";
        var tail = "";
        if (after < 0)
        {
            var later = fragment.Bytes.Span[to..];
            var lineEnd = later.IndexOf((byte)'\n');
            tail = Decoded(lineEnd < 0 ? later : later[..lineEnd]);
        }

        _lines = string.Concat(head, text.AsSpan(_lineStart, _linesAt.End - _lineStart), tail);
        _comment = SecretScanner.AllowComment(_lines);
        return _lines;
    }

    /// <summary>The comment on the lines of a part of the text that says they are no leak, or null.</summary>
    public string? AllowComment(int place, int length)
    {
        Lines(place, length);
        return _comment;
    }

    /// <summary>What of the text's first line stands before it.</summary>
    private string Head
    {
        get
        {
            if (_head is null)
            {
                var earlier = fragment.Bytes.Span[..from];
                _head = Decoded(earlier[(earlier.LastIndexOf((byte)'\n') + 1)..]);
            }

            return _head;
        }
    }

    /// <summary>Goes to the line of a place.</summary>
    private void Seek(int place)
    {
        if (place < _lineStart)
        {
            (_lineNumber, _lineStart) = (0, 0);
        }

        var between = text.AsSpan(_lineStart, place - _lineStart);
        var last = between.LastIndexOf('\n');
        if (last >= 0)
        {
            _lineNumber += between[..(last + 1)].Count('\n');
            _lineStart += last + 1;
        }
    }

    private static string Decoded(ReadOnlySpan<byte> bytes)
    {
        var characters = new char[bytes.Length];
        return new string(characters, 0, SecretScanner.Decode(bytes, characters));
    }
}
