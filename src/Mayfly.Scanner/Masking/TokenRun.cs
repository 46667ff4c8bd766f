using System.Buffers;

namespace Mayfly.Scanner.Masking;

/// <summary>Runs of the characters that tokens are made of.</summary>
internal static class TokenRun
{
    /// <summary>Shorter ones at the end of a line are words, and no beginning of a token that would tell much of it.</summary>
    public const int Shortest = 6;

    private static readonly SearchValues<byte> Letters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-."u8
    );

    /// <summary>How many bytes the run at the end has. One that ends with a dot is a sentence, or shows progress.</summary>
    public static int AtEndOf(ReadOnlySpan<byte> text) =>
        text.EndsWith("."u8) ? 0 : text.Length - 1 - text.LastIndexOfAnyExcept(Letters);

    /// <summary>Where the first run of at least <paramref name="length"/> bytes begins, or -1.</summary>
    public static int IndexOf(ReadOnlySpan<byte> text, int length)
    {
        for (var at = 0; at < text.Length; )
        {
            var start = text[at..].IndexOfAny(Letters);
            if (start < 0)
            {
                return -1;
            }

            start += at;
            var run = text[start..].IndexOfAnyExcept(Letters);
            run = run < 0 ? text.Length - start : run;
            if (run >= length)
            {
                return start;
            }

            at = start + run;
        }

        return -1;
    }
}
