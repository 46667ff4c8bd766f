using System.Buffers;

namespace Mayfly.Client.Redaction;

/// <summary>
/// Looks for patterns in a text as it is, and as it is when escapes are taken back, up to three times one inside the other
/// (a URL in JSON in JSON). Where no escape stands in the text nothing is unescaped. A value on the stack, for one search.
/// </summary>
internal ref struct Finder
{
    private const int Deepest = 3;
    private const int MaxViews = 100;

    private static readonly SearchValues<char> Signs = SearchValues.Create("\\%+&\n");

    private readonly PatternTable _table;
    private int _views;
    private bool _isEscaped;

    public Finder(PatternTable table) => _table = table;

    /// <summary>What was found: ranges of the text, in no order, that may overlap. Null when nothing was.</summary>
    public List<(int Start, int End)>? Found { get; private set; }

    /// <summary>Searches.</summary>
    public void Search(ReadOnlySpan<char> text)
    {
        for (var at = 0; TokenShapes.TryFindNext(text, ref at, out var start, out var end); )
        {
            (Found ??= []).Add((start, end));
        }

        if (_table.Count == 0 || text.Length < PatternTable.Window)
        {
            return;
        }

        // What is escaped once is looked at before what is escaped twice, so that the limit never hides the ordinary.
        for (var depth = 0; depth <= Deepest && (depth == 0 || _isEscaped); depth++)
        {
            _isEscaped = false;
            Search(text, default, default, depth);
        }
    }

    private void Search(ReadOnlySpan<char> text, ReadOnlySpan<int> starts, ReadOnlySpan<int> ends, int depth)
    {
        if (depth == 0)
        {
            _isEscaped |= text.ContainsAny(Signs);
            for (var at = 0; _table.TryFindNext(text, ref at, out var start, out var end); )
            {
                (Found ??= []).Add(starts.IsEmpty ? (start, end) : (starts[start], ends[end - 1]));
            }

            return;
        }

        foreach (var escape in Escapes.All)
        {
            if (text.Contains(Escapes.Sign(escape)) && (escape != Escape.Wrap || _table.HasLong) && _views++ < MaxViews)
            {
                SearchUnescaped(escape, text, starts, ends, depth);
            }
        }
    }

    private void SearchUnescaped(
        Escape escape,
        ReadOnlySpan<char> text,
        ReadOnlySpan<int> starts,
        ReadOnlySpan<int> ends,
        int depth
    )
    {
        var view = ArrayPool<char>.Shared.Rent(text.Length);
        var viewStarts = ArrayPool<int>.Shared.Rent(text.Length);
        var viewEnds = ArrayPool<int>.Shared.Rent(text.Length);
        try
        {
            var (length, changed) = (0, false);
            for (var at = 0; at < text.Length; )
            {
                var read = Escapes.Read(escape, text[at..], out var character);
                changed |= read > 1 || character != text[at];
                if (character is { } one)
                {
                    view[length] = one;
                    viewStarts[length] = starts.IsEmpty ? at : starts[at];
                    viewEnds[length] = ends.IsEmpty ? at + read : ends[at + read - 1];
                    length++;
                }

                at += read;
            }

            if (changed)
            {
                Search(view.AsSpan(0, length), viewStarts.AsSpan(0, length), viewEnds.AsSpan(0, length), depth - 1);
            }
        }
        finally
        {
            ArrayPool<char>.Shared.Return(view, clearArray: true);
            ArrayPool<int>.Shared.Return(viewStarts);
            ArrayPool<int>.Shared.Return(viewEnds);
        }
    }
}
