using System.Buffers;
using System.Text;

namespace Mayfly.Client.Redaction;

/// <summary>
/// Looks for patterns in a text as it is, and as it is when escapes are taken back, also those of a URL in JSON in JSON. Where
/// no escape stands in the text nothing is unescaped. A value on the stack, for one search.
/// </summary>
internal ref struct Finder
{
    /// <summary>How much of the end of an unfinished text is looked at: a piece that is escaped twice.</summary>
    private const int LongestOpenEnd = 4096;
    private const int LineOfBase64 = 60;
    private const int Deepest = 3;
    private const int DeepestOpen = 2;

    // Three times escaped: eight backslashes.
    private const int MostOpenEscapes = 1 << Deepest;

    private static readonly SearchValues<char> Signs = SearchValues.Create("\\%+&\n\0");

    private readonly PatternTable _table;
    private readonly bool _isBytes;

    // The first time that escapes are taken back it is only to see whether there is anything; where it stands in the text is
    // asked for then.
    private bool _isFound;
    private bool _keepsPlaces;

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

        for (var at = 0; _table.TryFindNext(text, ref at, out var start, out var end); )
        {
            (Found ??= []).Add((start, end));
        }

        SearchUnescaped(text, default, default, Within.Text, Deepest);
        if (_isFound)
        {
            _keepsPlaces = true;
            SearchUnescaped(text, default, default, Within.Text, Deepest);
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
            open = Math.Min(open, OpenEnd(tail, Within.Text, DeepestOpen));
        }

        return before + open;
    }

    private readonly int OpenEnd(ReadOnlySpan<char> text, Within within, int depth)
    {
        var open = Math.Min(_table.OpenEnd(text), OpenPairs(text));
        if (depth == 0 || !text.ContainsAny(Signs))
        {
            return open;
        }

        // What is left may end inside another one: the first of two backslashes before a "u" that is still to come.
        for (var i = 0; i < MostOpenEscapes && Escapes.OpenEnd(text) is var complete && complete < text.Length; i++)
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
                if (
                    escape != Escape.Pairs
                    && IsWanted(escape, within, text)
                    && (escape != Escape.Wrap || !EndsInLine(text))
                )
                {
                    var length = Unescape(escape, text, view, starts, [], out var changed);
                    starts[length] = text.Length;
                    open = changed
                        ? Math.Min(open, starts[OpenEnd(view.AsSpan(0, length), Inside(within, escape), depth - 1)])
                        : open;
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

    /// <summary>Where pairs of hexadecimal digits begin that may be the beginning of a secret.</summary>
    private readonly int OpenPairs(ReadOnlySpan<char> text)
    {
        var start = HexPairs.OpenEnd(text);
        if (start == text.Length)
        {
            return start;
        }

        var view = ArrayPool<char>.Shared.Rent(text.Length - start);
        var starts = ArrayPool<int>.Shared.Rent(text.Length - start + 1);
        try
        {
            var length = 0;
            for (var at = start; at < text.Length; at++)
            {
                if (char.IsAsciiHexDigit(text[at]))
                {
                    (view[length], starts[length++]) = (text[at], at);
                }
            }

            starts[length] = text.Length;
            return starts[_table.OpenEnd(view.AsSpan(0, length))];
        }
        finally
        {
            ArrayPool<char>.Shared.Return(view, clearArray: true);
            ArrayPool<int>.Shared.Return(starts);
        }
    }

    private void SearchUnescaped(
        ReadOnlySpan<char> text,
        ReadOnlySpan<int> starts,
        ReadOnlySpan<int> ends,
        Within within,
        int depth
    )
    {
        if (depth == 0)
        {
            return;
        }

        var hasSigns = text.ContainsAny(Signs);
        foreach (var escape in Escapes.All)
        {
            if ((hasSigns || escape == Escape.Pairs) && IsWanted(escape, within, text))
            {
                SearchUnescaped(escape, text, starts, ends, Inside(within, escape), depth);
            }

            if (_isFound && !_keepsPlaces)
            {
                return;
            }
        }
    }

    private void SearchUnescaped(
        Escape escape,
        ReadOnlySpan<char> text,
        ReadOnlySpan<int> starts,
        ReadOnlySpan<int> ends,
        Within within,
        int depth
    )
    {
        var view = ArrayPool<char>.Shared.Rent(text.Length);
        var places = _keepsPlaces ? text.Length : 0;
        var viewStarts = ArrayPool<int>.Shared.Rent(places);
        var viewEnds = ArrayPool<int>.Shared.Rent(places);
        try
        {
            var length = Unescape(
                escape,
                text,
                view,
                viewStarts.AsSpan(0, places),
                viewEnds.AsSpan(0, places),
                out var changed
            );
            if (!changed)
            {
                return;
            }

            if (escape == Escape.Wide && _keepsPlaces)
            {
                TakeZeros(text, viewStarts, viewEnds.AsSpan(0, length));
            }

            for (var i = 0; i < length && !starts.IsEmpty; i++)
            {
                viewStarts[i] = starts[viewStarts[i]];
                viewEnds[i] = ends[viewEnds[i] - 1];
            }

            ReadOnlySpan<char> inner = view.AsSpan(0, length);
            var innerStarts = viewStarts.AsSpan(0, Math.Min(length, places));
            var innerEnds = viewEnds.AsSpan(0, Math.Min(length, places));
            for (var at = 0; _table.TryFindNext(inner, ref at, out var start, out var end, innerStarts, innerEnds); )
            {
                _isFound = true;
                if (!_keepsPlaces)
                {
                    return;
                }

                (Found ??= []).Add((viewStarts[start], viewEnds[end - 1]));
            }

            SearchUnescaped(inner, innerStarts, innerEnds, within, depth - 1);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(view, clearArray: true);
            ArrayPool<int>.Shared.Return(viewStarts);
            ArrayPool<int>.Shared.Return(viewEnds);
        }
    }

    /// <summary>
    /// In UTF-16 that begins with its low bytes a character is followed by a 0. It belongs to it, so that what comes behind stays
    /// UTF-16.
    /// </summary>
    private static void TakeZeros(ReadOnlySpan<char> text, ReadOnlySpan<int> starts, Span<int> ends)
    {
        for (var i = 1; i < ends.Length; i++)
        {
            if (starts[i] - starts[i - 1] == 2 && ends[i] < text.Length && text[ends[i]] == '\0')
            {
                ends[i]++;
            }
        }
    }

    /// <summary>What people put into what; anything else would only cost.</summary>
    private readonly bool IsWanted(Escape escape, Within within, ReadOnlySpan<char> text) =>
        Escapes.IsIn(escape, text)
        && (escape, within) switch
        {
            (Escape.Wide, not Within.Wrapped) => true,
            (Escape.Pairs, Within.Text or Within.Quoted) => true,
            (Escape.Wrap, Within.Text or Within.Quoted) => _table.HasLong && HasWrapped(text),
            (Escape.Form, Within.Text or Within.Quoted or Within.Html) => _table.HasSpace,
            (Escape.Percent, not Within.Wrapped) => true,
            (Escape.Backslash, not Within.Wrapped) => true,
            (Escape.Html, Within.Text or Within.Quoted) => true,
            _ => false,
        };

    private static Within Inside(Within within, Escape escape) =>
        (escape, within) switch
        {
            (Escape.Backslash, Within.Text or Within.Quoted) => Within.Quoted,
            (Escape.Html, Within.Text) => Within.Html,
            (Escape.Percent or Escape.Form, _) => Within.Url,
            (Escape.Backslash, _) => Within.Url,
            (Escape.Wide, _) => within,
            _ => Within.Wrapped,
        };

    /// <summary>Some line is one of wrapped base64.</summary>
    private static bool HasWrapped(ReadOnlySpan<char> text)
    {
        for (var at = 0; text[at..].IndexOf('\n') is >= 0 and var next; at += next + 1)
        {
            if (EndsInWrapped(text[..(at + next + 1)]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The text ends with a line that is none of base64. Otherwise each line would have to wait for the next.</summary>
    private static bool EndsInLine(ReadOnlySpan<char> text) => text[^1] is '\n' or '\r' && !EndsInWrapped(text);

    /// <summary>The last whole line is one of base64, or the end of one whose beginning is gone.</summary>
    private static bool EndsInWrapped(ReadOnlySpan<char> text)
    {
        var line = text.TrimEnd("\r\n");
        var length = 0;
        while (length < line.Length && SecretForms.IsBase64(line[line.Length - length - 1]))
        {
            length++;
        }

        return length >= LineOfBase64 || (length > 0 && length == line.Length);
    }

    /// <summary>Takes one kind of escape back.</summary>
    /// <param name="escape">The kind.</param>
    /// <param name="text">The text.</param>
    /// <param name="view">Gets the text without escapes.</param>
    /// <param name="starts">Gets where each of its characters begins in <paramref name="text"/>, unless it is empty.</param>
    /// <param name="ends">Gets where it ends, unless it is empty.</param>
    /// <param name="changed">There was one.</param>
    /// <returns>The length of <paramref name="view"/>.</returns>
    private readonly int Unescape(
        Escape escape,
        ReadOnlySpan<char> text,
        Span<char> view,
        Span<int> starts,
        Span<int> ends,
        out bool changed
    )
    {
        if (escape == Escape.Pairs)
        {
            changed = true;
            return HexPairs.Join(text, view, starts, ends);
        }

        Span<char> octets = stackalloc char[4];
        changed = false;
        var length = 0;
        for (var at = 0; at < text.Length; )
        {
            var plain = Escapes.IndexOfSign(escape, text[at..]);
            plain = plain < 0 ? text.Length - at : plain;
            text.Slice(at, plain).CopyTo(view[length..]);
            for (var i = 0; i < plain && !starts.IsEmpty; i++)
            {
                starts[length + i] = at + i;
                if (!ends.IsEmpty)
                {
                    ends[length + i] = at + i + 1;
                }
            }

            at += plain;
            length += plain;
            if (at == text.Length)
            {
                break;
            }

            var read = Escapes.Read(escape, text[at..], out var character);
            changed |= read > 1 || character != text[at];
            var isUnit = _isBytes && read > 4 && character > '\x7F' && escape is Escape.Backslash or Escape.Html;
            scoped ReadOnlySpan<char> itself = character is { } one ? [one] : [];
            var meaning = isUnit ? Octets(escape, text[at..], character!.Value, octets, ref read) : itself;
            foreach (var c in meaning)
            {
                view[length] = c;
                if (!starts.IsEmpty)
                {
                    starts[length] = at;
                }

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

/// <summary>What a text was found in, which tells what can be in it.</summary>
internal enum Within
{
    /// <summary>Nothing: it is the text itself.</summary>
    Text,

    /// <summary>A string in quotes, or one in quotes inside it.</summary>
    Quoted,

    /// <summary>HTML or XML.</summary>
    Html,

    /// <summary>A URL or a form.</summary>
    Url,

    /// <summary>Lines.</summary>
    Wrapped,
}
