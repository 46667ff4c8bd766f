using System.Buffers;
using System.Text;

namespace Mayfly.Client.Redaction;

/// <summary>
/// Looks for patterns in a text as it is, and as it is when escapes are taken back, up to three times one inside the other
/// (a URL in JSON in JSON). Where no escape stands in the text nothing is unescaped. A value on the stack, for one search.
/// </summary>
internal ref struct Finder
{
    private const int Deepest = 3;
    private const int MaxViews = 100;

    /// <summary>How much of the end of an unfinished text is looked at: a piece that is escaped twice.</summary>
    private const int LongestOpenEnd = 4096;
    private const int DeepestOpen = 2;
    private const int LineOfBase64 = 60;

    private static readonly SearchValues<char> Signs = SearchValues.Create("\\%+&\n");

    private readonly PatternTable _table;
    private readonly bool _isBytes;
    private int _views;
    private bool _isEscaped;

    /// <summary>A search for the patterns of a table.</summary>
    /// <param name="table">The patterns.</param>
    /// <param name="isBytes">Characters of the texts are bytes of UTF-8.</param>
    public Finder(PatternTable table, bool isBytes = false)
    {
        _table = table;
        _isBytes = isBytes;
    }

    /// <summary>What was found: ranges of the text, in no order, that may overlap. Null when nothing was.</summary>
    public List<(int Start, int End)>? Found { get; private set; }

    /// <summary>Searches.</summary>
    public void Search(ReadOnlySpan<char> text, bool knowsTokens)
    {
        for (var at = 0; knowsTokens && TokenShapes.TryFindNext(text, ref at, out var start, out var end); )
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

    /// <summary>
    /// Where something may begin that what comes after <paramref name="text"/> completes; its length when nothing may.
    /// </summary>
    public int OpenEnd(ReadOnlySpan<char> text)
    {
        var before = Math.Max(0, text.Length - LongestOpenEnd);
        var tail = text[before..];
        var open = Math.Min(tail.Length, TokenShapes.OpenEnd(tail));
        if (_table.Count > 0)
        {
            open = Math.Min(open, OpenEnd(tail, DeepestOpen));
        }

        return before + open;
    }

    private int OpenEnd(ReadOnlySpan<char> text, int depth)
    {
        var open = _table.OpenEnd(text);
        if (depth == 0 || !text.ContainsAny(Signs))
        {
            return open;
        }

        var complete = Escapes.OpenEnd(text);
        if (complete < text.Length)
        {
            text = text[..complete];
            open = Math.Min(open, Math.Min(complete, _table.OpenEnd(text)));
        }

        var view = ArrayPool<char>.Shared.Rent(text.Length);
        var starts = ArrayPool<int>.Shared.Rent(text.Length + 1);
        try
        {
            foreach (var escape in Escapes.All)
            {
                if (IsWanted(escape, text) && (escape != Escape.Wrap || EndsInWrapped(text)))
                {
                    var length = Unescape(escape, text, view, starts, []);
                    starts[length] = text.Length;
                    open = Math.Min(open, starts[OpenEnd(view.AsSpan(0, length), depth - 1)]);
                }
            }
        }
        finally
        {
            ArrayPool<char>.Shared.Return(view, clearArray: true);
            ArrayPool<int>.Shared.Return(starts);
        }

        return open;
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
            if (IsWanted(escape, text))
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
            var length = Unescape(escape, text, view, viewStarts, viewEnds);
            for (var i = 0; i < length && !starts.IsEmpty; i++)
            {
                viewStarts[i] = starts[viewStarts[i]];
                viewEnds[i] = ends[viewEnds[i] - 1];
            }

            Search(view.AsSpan(0, length), viewStarts.AsSpan(0, length), viewEnds.AsSpan(0, length), depth - 1);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(view, clearArray: true);
            ArrayPool<int>.Shared.Return(viewStarts);
            ArrayPool<int>.Shared.Return(viewEnds);
        }
    }

    private bool IsWanted(Escape escape, ReadOnlySpan<char> text) =>
        text.Contains(Escapes.Sign(escape)) && (escape != Escape.Wrap || _table.HasLong) && _views++ < MaxViews;

    /// <summary>The last line is one of base64. Otherwise each line would have to wait for the next.</summary>
    private static bool EndsInWrapped(ReadOnlySpan<char> text)
    {
        var line = text.TrimEnd("\r\n");
        var length = 0;
        while (length < line.Length && SecretForms.IsBase64(line[line.Length - length - 1]))
        {
            length++;
        }

        return line.Length == text.Length || length >= LineOfBase64;
    }

    /// <summary>Takes one kind of escape back.</summary>
    /// <param name="escape">The kind.</param>
    /// <param name="text">The text.</param>
    /// <param name="view">Gets the text without escapes.</param>
    /// <param name="starts">Gets where each of its characters begins in <paramref name="text"/>.</param>
    /// <param name="ends">Gets where it ends, unless it is empty.</param>
    /// <returns>The length of <paramref name="view"/>.</returns>
    private readonly int Unescape(
        Escape escape,
        ReadOnlySpan<char> text,
        Span<char> view,
        Span<int> starts,
        Span<int> ends
    )
    {
        Span<char> octets = stackalloc char[4];
        var length = 0;
        for (var at = 0; at < text.Length; )
        {
            var read = Escapes.Read(escape, text[at..], out var character);
            var isUnit = _isBytes && read > 4 && character > '\x7F' && escape is Escape.Backslash or Escape.Html;
            scoped ReadOnlySpan<char> itself = character is { } one ? [one] : [];
            var meaning = isUnit ? Octets(escape, text[at..], character!.Value, octets, ref read) : itself;
            foreach (var c in meaning)
            {
                view[length] = c;
                starts[length] = at;
                if (!ends.IsEmpty)
                {
                    ends[length] = at + read;
                }

                length++;
            }

            at += read;
        }

        return length;
    }

    /// <summary>What an escape that names a character stands for among bytes of UTF-8; two escapes name one beyond 16 bits.</summary>
    private static ReadOnlySpan<char> Octets(
        Escape escape,
        ReadOnlySpan<char> text,
        char unit,
        Span<char> octets,
        ref int read
    )
    {
        if (!Rune.TryCreate(unit, out var rune) && text.Length > read)
        {
            var more = Escapes.Read(escape, text[read..], out var low);
            if (low is { } second && Rune.TryCreate(unit, second, out rune))
            {
                read += more;
            }
        }

        Span<byte> utf8 = stackalloc byte[4];
        return octets[..Encoding.Latin1.GetChars(utf8[..rune.EncodeToUtf8(utf8)], octets)];
    }
}
