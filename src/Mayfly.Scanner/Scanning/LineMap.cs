namespace Mayfly.Scanner.Scanning;

/// <summary>Finds the line and column of a place in a text. Immutable.</summary>
internal readonly struct LineMap
{
    private readonly List<int> _starts;
    private readonly string _text;

    public LineMap(string text)
    {
        _text = text;
        _starts = [0];
        for (var at = text.IndexOf('\n', StringComparison.Ordinal); at >= 0; at = text.IndexOf('\n', at + 1))
        {
            _starts.Add(at + 1);
        }
    }

    /// <summary>The line (from 0) and the column (from 1) of a place.</summary>
    public (int Line, int Column) At(int place)
    {
        var line = _starts.BinarySearch(place);
        line = line >= 0 ? line : ~line - 1;
        return (line, place - _starts[line] + 1);
    }

    /// <summary>The text of the lines from one to another, without the last line's end.</summary>
    public string Lines(int first, int last)
    {
        var end = last + 1 < _starts.Count ? _starts[last + 1] - 1 : _text.Length;
        return _text[_starts[first]..end];
    }
}
