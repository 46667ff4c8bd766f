namespace Mayfly.Client.Redaction;

/// <summary>
/// Tokens of this API, which are known by their form even when nobody handed them out here: <c>hvs.</c>, <c>hvb.</c> and
/// <c>hvr.</c> with at least 20 characters, and <c>s.</c>, <c>b.</c> and <c>r.</c> with exactly 24, as older servers have them.
/// </summary>
internal static class TokenShapes
{
    private const int Shortest = 20;
    private const int OldLength = 24;

    private static readonly string[] Prefixes = ["hvs", "hvb", "hvr", "s", "b", "r"];

    /// <summary>The first token from <paramref name="at"/> on.</summary>
    public static bool TryFindNext(ReadOnlySpan<char> text, ref int at, out int start, out int end)
    {
        while (at < text.Length)
        {
            var dot = text[at..].IndexOf('.');
            if (dot < 0)
            {
                break;
            }

            dot += at;
            at = dot + 1;
            if (dot == 0 || text[dot - 1] is not ('s' or 'b' or 'r'))
            {
                continue;
            }

            var isNew = dot >= 3 && text[dot - 2] == 'v' && text[dot - 3] == 'h';
            start = isNew ? dot - 3 : dot - 1;
            if (start > 0 && char.IsAsciiLetterOrDigit(text[start - 1]))
            {
                continue;
            }

            end = at;
            while (end < text.Length && IsOfToken(text[end], isNew))
            {
                end++;
            }

            if (isNew ? end - at >= Shortest : end - at == OldLength)
            {
                at = end;
                return true;
            }
        }

        (at, start, end) = (text.Length, 0, 0);
        return false;
    }

    /// <summary>Where a token may begin that goes on behind the end of the text; its length when none may.</summary>
    public static int OpenEnd(ReadOnlySpan<char> text)
    {
        var at = text.Length;
        while (at > 0 && IsOfToken(text[at - 1], isNew: true))
        {
            at--;
        }

        // "…hvs.CAES" with its run of characters, or "…hv", whose dot is still to come.
        var head = at > 0 && text[at - 1] == '.' ? at - 1 : text.Length;
        var isTooLong = text.Length - at > OldLength;
        foreach (var prefix in Prefixes)
        {
            for (var length = head == text.Length ? 1 : prefix.Length; length <= prefix.Length; length++)
            {
                var start = head - length;
                if (
                    start >= 0
                    && !(isTooLong && head < text.Length && prefix.Length == 1)
                    && text[start..head].StartsWith(prefix.AsSpan(0, length), StringComparison.Ordinal)
                    && (start == 0 || !char.IsAsciiLetterOrDigit(text[start - 1]))
                )
                {
                    return start;
                }
            }
        }

        return text.Length;
    }

    /// <summary>How many characters at the beginning of <paramref name="text"/> can go on with a token.</summary>
    public static int Continuation(ReadOnlySpan<char> text)
    {
        var length = 0;
        while (length < text.Length && IsOfToken(text[length], isNew: true))
        {
            length++;
        }

        return length;
    }

    private static bool IsOfToken(char c, bool isNew) => char.IsAsciiLetterOrDigit(c) || (isNew && c is '-' or '_');
}
