namespace Mayfly.Client.Redaction;

/// <summary>
/// Bytes as pairs of hexadecimal digits with a sign between them, as fingerprints and dumps have them: <c>6b:52:37</c>,
/// <c>6B-52-37</c>, <c>6b 52 37</c>, also over several lines.
/// </summary>
internal static class HexPairs
{
    /// <summary>Fewer are a time, a date, a version; no value is shorter.</summary>
    private const int Fewest = PatternTable.Window;

    private const int LongestBreak = 32;

    // Of the five signs between six pairs, which are three apart, one is at three places in a row that are a multiple of this apart.
    private const int Step = 12;

    /// <summary>There are enough in a row.</summary>
    public static bool AreIn(ReadOnlySpan<char> text) => TryFindNext(text, 0, out _, out _);

    /// <summary>The next of them from <paramref name="at"/> on.</summary>
    /// <param name="text">The text.</param>
    /// <param name="at">Where to begin; not in the middle of some.</param>
    /// <param name="start">Where the first pair begins.</param>
    /// <param name="end">Where the last one ends.</param>
    public static bool TryFindNext(ReadOnlySpan<char> text, int at, out int start, out int end)
    {
        for (var probe = at + 2; probe < text.Length - 2; probe += Step)
        {
            for (var sign = probe; sign < Math.Min(probe + 3, text.Length - 2); sign++)
            {
                if (text[sign] is ':' or '-' or ' ' && IsPair(text, sign - 2) && IsPair(text, sign + 1))
                {
                    var pairs = 1;
                    start = sign - 2;
                    while (start > at && PairBefore(text[at..start]) is >= 0 and var before)
                    {
                        start = at + before;
                        pairs++;
                    }

                    end = sign;
                    while (PairAfter(text, end) is >= 0 and var after)
                    {
                        end = after + 2;
                        pairs++;
                    }

                    if (pairs >= Fewest)
                    {
                        return true;
                    }
                }
            }
        }

        (start, end) = (text.Length, text.Length);
        return false;
    }

    /// <summary>
    /// Where pairs begin that may go on behind the end of the text; its length when none do. A line that ends has to be one of a
    /// dump, or else each that ends with a number would wait for the next.
    /// </summary>
    public static int OpenEnd(ReadOnlySpan<char> text)
    {
        var last = text.TrimEnd(" \t\r\n:-");
        var isHalf = last.Length == text.Length;
        var start =
            isHalf && last.Length > 0 && char.IsAsciiHexDigit(last[^1]) && !IsPair(text, last.Length - 2)
                ? last.Length - 1
                : last.Length;
        var pairs = 0;
        if (start == last.Length && IsPair(text, start - 2))
        {
            start -= 2;
            pairs = 1;
        }

        while (PairBefore(text[..start]) is >= 0 and var before)
        {
            start = before;
            pairs++;
        }

        var endsLine = text[last.Length..].ContainsAny('\r', '\n');
        return pairs == 0 || text.Length - last.Length > LongestBreak || (endsLine && pairs < Fewest)
            ? text.Length
            : start;
    }

    /// <summary>Takes the signs out.</summary>
    /// <param name="text">The text.</param>
    /// <param name="view">Gets the text without them.</param>
    /// <param name="starts">Gets where each of its characters begins in <paramref name="text"/>, unless it is empty.</param>
    /// <param name="ends">Gets where it ends, unless it is empty.</param>
    /// <returns>The length of <paramref name="view"/>.</returns>
    public static int Join(ReadOnlySpan<char> text, Span<char> view, Span<int> starts, Span<int> ends)
    {
        var length = 0;
        for (var at = 0; at < text.Length; )
        {
            _ = TryFindNext(text, at, out var start, out var end);
            for (; at < end; at++)
            {
                if (at >= start && !char.IsAsciiHexDigit(text[at]))
                {
                    // A sign belongs to what stands before it, so that pieces of one secret touch.
                    if (!ends.IsEmpty)
                    {
                        ends[length - 1] = at + 1;
                    }

                    continue;
                }

                view[length] = text[at];
                if (!starts.IsEmpty)
                {
                    (starts[length], ends[length]) = (at, at + 1);
                }

                length++;
            }
        }

        return length;
    }

    /// <summary>Two digits, and no letter or digit beside them.</summary>
    private static bool IsPair(ReadOnlySpan<char> text, int at) =>
        at >= 0
        && at + 2 <= text.Length
        && char.IsAsciiHexDigit(text[at])
        && char.IsAsciiHexDigit(text[at + 1])
        && (at == 0 || !char.IsAsciiLetterOrDigit(text[at - 1]))
        && (at + 2 == text.Length || !char.IsAsciiLetterOrDigit(text[at + 2]));

    /// <summary>Where the next pair begins behind a sign, and what breaks a line; -1 for nowhere.</summary>
    private static int PairAfter(ReadOnlySpan<char> text, int end)
    {
        var at = end;
        at += at < text.Length && text[at] is ':' or '-' ? 1 : 0;
        for (var limit = at + LongestBreak; at < text.Length && at < limit && IsSpace(text[at]); )
        {
            at++;
        }

        return at > end && IsPair(text, at) ? at : -1;
    }

    /// <summary>The same, to the left of the end of the text.</summary>
    private static int PairBefore(ReadOnlySpan<char> text)
    {
        var at = text.Length;
        for (var limit = at - LongestBreak; at > 0 && at > limit && IsSpace(text[at - 1]); )
        {
            at--;
        }

        at -= at > 0 && text[at - 1] is ':' or '-' ? 1 : 0;
        return at < text.Length && IsPair(text, at - 2) ? at - 2 : -1;
    }

    private static bool IsSpace(char c) => c is ' ' or '\t' or '\r' or '\n';
}
