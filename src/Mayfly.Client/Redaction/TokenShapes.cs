namespace Mayfly.Client.Redaction;

/// <summary>
/// Tokens of this API, which are known by their form even when nobody handed them out here: <c>hvs.</c>, <c>hvb.</c> and
/// <c>hvr.</c> with at least 20 characters, and <c>s.</c>, <c>b.</c> and <c>r.</c> with exactly 24, as older servers have them.
/// </summary>
internal static class TokenShapes
{
    private const int Shortest = 20;
    private const int OldLength = 24;

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

    private static bool IsOfToken(char c, bool isNew) => char.IsAsciiLetterOrDigit(c) || (isNew && c is '-' or '_');
}
