using System.Text;
using System.Text.Unicode;

namespace Mayfly.Scanner.Scanning;

/// <summary>
/// The lines of one fragment. Places are asked for from the first to the last for the most part, so each goes on from the
/// one before: a line as long as the fragment, with a match every few bytes, is still read once. One owner.
/// </summary>
/// <param name="fragment">The fragment.</param>
internal sealed class FragmentLines(Fragment fragment)
{
    private int _at;
    private int _line;
    private int _lineStart;
    private int _characters;
    private bool _isValid = true;
    private int _endFrom = -1;
    private int _end = -1;

    /// <summary>The line that was put together last: its place in the fragment, its text, and the comment on it.</summary>
    public (int From, int To, string Text, string? Comment)? Last { get; set; }

    /// <summary>What is before a place that is not in the middle of a character.</summary>
    public Place At(int place)
    {
        if (place < _at)
        {
            (_at, _line, _lineStart, _characters, _isValid) = (0, 0, 0, 0, true);
        }

        var between = fragment.Bytes.Span[_at..place];
        var last = between.LastIndexOf((byte)'\n');
        if (last >= 0)
        {
            _line += between[..(last + 1)].Count((byte)'\n');
            _lineStart = _at + last + 1;
            between = between[(last + 1)..];
            (_characters, _isValid) = (0, true);
        }

        // As the scanner decodes it: what is no UTF-8 is Latin-1, all of it.
        _isValid = _isValid && Utf8.IsValid(between);
        _characters = _isValid ? _characters + Encoding.UTF8.GetCharCount(between) : place - _lineStart;
        _at = place;
        return new Place(_line, _lineStart, _characters);
    }

    /// <summary>Where the line ends on which a place is.</summary>
    public int End(int place)
    {
        if (place < _endFrom || place > _end)
        {
            var end = fragment.Bytes.Span[place..].IndexOf((byte)'\n');
            (_endFrom, _end) = (place, end < 0 ? fragment.Bytes.Length : place + end);
        }

        return _end;
    }

    /// <param name="Line">So many lines have ended.</param>
    /// <param name="LineStart">Where the line begins in the fragment, in bytes.</param>
    /// <param name="Characters">So many characters of the line are before it.</param>
    public readonly record struct Place(int Line, int LineStart, int Characters);
}
