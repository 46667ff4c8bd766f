using System.Text;

namespace Mayfly.Scanner.Scanning;

/// <summary>
/// Finds lines and columns of places in a text that was decoded from a part of a fragment. Places are asked for from the first
/// to the last for the most part, so what is known about a line serves for all that is on it. One owner.
/// </summary>
/// <param name="fragment">The fragment.</param>
/// <param name="lines">Its lines.</param>
/// <param name="from">Where the text's bytes begin in it.</param>
/// <param name="to">Where they end.</param>
/// <param name="text">The text.</param>
internal sealed class TextPlace(Fragment fragment, FragmentLines lines, int from, int to, string text)
{
    private readonly FragmentLines.Place _first = lines.At(from);

    // The place that was asked for last, and its line: its number in the text, and where it begins there.
    private int _place;
    private int _lineNumber;
    private int _lineStart;

    // The lines that were asked for last, and where they begin and end in the text.
    private (int Start, int End) _linesAt = (-1, -1);
    private string _lines = "";
    private string? _comment;

    /// <summary>The line (from the fragment's first on) and the column (from 1) of a place in the text.</summary>
    public (int Line, int Column) At(int place)
    {
        Seek(place);
        if (_lineStart > 0)
        {
            return (fragment.FirstLine + _first.Line + _lineNumber, place - _lineStart + 1);
        }

        // The line has begun before the text, and perhaps before the fragment.
        var cut = _first.LineStart == 0 ? fragment.FirstColumn - 1 : 0;
        return (fragment.FirstLine + _first.Line, place + 1 + _first.Characters + cut);
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
        var end = after < 0 ? lines.End(to) : to;
        // A line of which the text is a part, and which is worth remembering for others.
        var isLong = _lineStart == 0 && after < 0 && end - _first.LineStart > 4 * SecretScanner.LongestLine;
        if (isLong && lines.Last is { } last && (last.From, last.To) == (_first.LineStart, end))
        {
            (_lines, _comment) = (last.Text, last.Comment);
            return _lines;
        }

        var head = _lineStart == 0 ? Decoded(fragment.Bytes.Span[_first.LineStart..from]) : "";
        var tail = after < 0 ? Decoded(fragment.Bytes.Span[to..end]) : "";
        _lines = string.Concat(head, text.AsSpan(_lineStart, _linesAt.End - _lineStart), tail);
        _comment = SecretScanner.AllowComment(_lines);
        if (isLong)
        {
            lines.Last = (_first.LineStart, end, _lines, _comment);
        }

        return _lines;
    }

    /// <summary>The comment on the lines of a part of the text that says they are no leak, or null.</summary>
    public string? AllowComment(int place, int length)
    {
        Lines(place, length);
        return _comment;
    }

    /// <summary>Goes to the line of a place.</summary>
    private void Seek(int place)
    {
        if (place < _place)
        {
            (_place, _lineNumber, _lineStart) = (0, 0, 0);
        }

        // From the last place on, not from its line's beginning: a line can be as long as the text, and full of matches.
        var between = text.AsSpan(_place, place - _place);
        var last = between.LastIndexOf('\n');
        if (last >= 0)
        {
            _lineNumber += between[..(last + 1)].Count('\n');
            _lineStart = _place + last + 1;
        }

        _place = place;
    }

    private static string Decoded(ReadOnlySpan<byte> bytes)
    {
        var characters = new char[bytes.Length];
        return new string(characters, 0, SecretScanner.Decode(bytes, characters));
    }
}
