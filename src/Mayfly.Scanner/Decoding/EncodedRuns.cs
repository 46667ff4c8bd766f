using System.Buffers;
using System.Buffers.Text;

namespace Mayfly.Scanner.Decoding;

/// <summary>Finds what is encoded in base64 (either alphabet), hexadecimal or as in URLs, and means plain ASCII text.</summary>
internal static class EncodedRuns
{
    private const int ShortestBase64 = 16;
    private const int ShortestHex = 32;

    /// <summary>What is no letter of base64.</summary>
    private const byte None = 255;

    /// <summary>The six bits that each byte stands for, in both alphabets.</summary>
    private static readonly byte[] Sextets = MakeSextets();

    private static readonly SearchValues<byte> HexLetters = SearchValues.Create("0123456789abcdefABCDEF"u8);

    private static readonly SearchValues<byte> UrlLetters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_%.~:?#[]@!$&()*,;="u8
    );

    private static readonly SearchValues<byte> TextLetters = SearchValues.Create([
        (byte)'\t',
        (byte)'\n',
        (byte)'\r',
        .. Enumerable.Range(' ', '~' - ' ' + 1).Select(static c => (byte)c),
    ]);

    /// <summary>What is encoded, in its order; nothing overlaps.</summary>
    public static List<EncodedRun> In(ReadOnlySpan<byte> text)
    {
        var runs = new List<EncodedRun>();
        FindPercent(text, runs);
        var percent = runs.Count;
        // A run has a place that can be divided by its shortest length: the others need not be looked at. Nearly all of any
        // source passes here, and most words are short, so a plain loop is faster than a search.
        var sextets = Sextets;
        for (var at = ShortestBase64 - 1; at < text.Length; at += ShortestBase64)
        {
            if (sextets[text[at]] == None)
            {
                continue;
            }

            var from = at;
            while (from > 0 && sextets[text[from - 1]] != None)
            {
                from--;
            }

            var to = at + 1;
            while (to < text.Length && sextets[text[to]] != None)
            {
                to++;
            }

            if (to - from >= ShortestBase64 && Decode(text[from..to]) is ({ } decoded, var encoding))
            {
                // What fills it up belongs to it.
                while (encoding == "base64" && to < text.Length && text[to] == '=')
                {
                    to++;
                }

                Add(runs, percent, new EncodedRun(from, to, decoded, encoding));
            }

            at += (to - at) / ShortestBase64 * ShortestBase64;
        }

        runs.Sort(static (one, other) => one.From.CompareTo(other.From));
        return runs;
    }

    private static void Add(List<EncodedRun> runs, int percent, EncodedRun run)
    {
        // The same run is met once for each of its places.
        if (runs.Count > percent && runs[^1].To >= run.From)
        {
            return;
        }

        for (var i = 0; i < percent; i++)
        {
            if (runs[i].From < run.To && run.From < runs[i].To)
            {
                return;
            }
        }

        runs.Add(run);
    }

    private static (byte[]? Decoded, string Encoding) Decode(ReadOnlySpan<byte> run)
    {
        if (run.Length >= ShortestHex && run.Length % 2 == 0 && !run.ContainsAnyExcept(HexLetters))
        {
            var bytes = Convert.FromHexString(System.Text.Encoding.ASCII.GetString(run));
            return (IsText(bytes) ? bytes : null, "hex");
        }

        return (MayBeText(run) ? Base64(run) : null, "base64");
    }

    /// <summary>Nearly all names, hashes and pictures are not: each first byte of three has its highest bit clear in text.</summary>
    private static bool MayBeText(ReadOnlySpan<byte> run)
    {
        for (var i = 0; i < ShortestBase64; i += 4)
        {
            if (Sextets[run[i]] >= 32)
            {
                return false;
            }
        }

        return true;
    }

    private static byte[] MakeSextets()
    {
        var sextets = new byte[256];
        Array.Fill(sextets, None);
        foreach (
            var alphabet in (string[])
                [
                    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                ]
        )
        {
            for (var i = 0; i < alphabet.Length; i++)
            {
                sextets[alphabet[i]] = (byte)i;
            }
        }

        return sextets;
    }

    private static byte[]? Base64(ReadOnlySpan<byte> run)
    {
        // One letter alone at the end is none; it may be a word that follows.
        run = run.Length % 4 == 1 ? run[..^1] : run;
        var bytes = new byte[(run.Length + 3) / 4 * 3];
        return Base64(run, bytes) is { } length && IsText(bytes.AsSpan(0, length)) ? bytes[..length] : null;
    }

    /// <summary>How many bytes it was, or null.</summary>
    private static int? Base64(ReadOnlySpan<byte> run, Span<byte> bytes)
    {
        var status = run.ContainsAny((byte)'+', (byte)'/')
            ? System.Buffers.Text.Base64.DecodeFromUtf8(Padded(run), bytes, out _, out var written)
            : Base64Url.DecodeFromUtf8(run, bytes, out _, out written);
        return status == OperationStatus.Done ? written : null;
    }

    private static byte[] Padded(ReadOnlySpan<byte> run) => [.. run, .. "=="u8[..((4 - run.Length % 4) % 4)]];

    private static void FindPercent(ReadOnlySpan<byte> text, List<EncodedRun> runs)
    {
        for (var at = 0; text[at..].IndexOf((byte)'%') is >= 0 and var next; )
        {
            at += next;
            if (at + 2 >= text.Length || text.Slice(at + 1, 2).ContainsAnyExcept(HexLetters))
            {
                at++;
                continue;
            }

            var before = runs.Count > 0 ? runs[^1].To : 0;
            var from = before + text[before..at].LastIndexOfAnyExcept(UrlLetters) + 1;
            var length = text[at..].IndexOfAnyExcept(UrlLetters);
            var to = length < 0 ? text.Length : at + length;
            if (Unescaped(text[from..to]) is { } decoded)
            {
                runs.Add(new EncodedRun(from, to, decoded, "percent"));
            }

            at = to;
        }
    }

    private static byte[]? Unescaped(ReadOnlySpan<byte> run)
    {
        var bytes = new byte[run.Length];
        var length = 0;
        for (var i = 0; i < run.Length; i++)
        {
            var isEscape = run[i] == '%' && i + 2 < run.Length && !run.Slice(i + 1, 2).ContainsAnyExcept(HexLetters);
            bytes[length++] = isEscape
                ? byte.Parse(run.Slice(i + 1, 2), System.Globalization.NumberStyles.HexNumber, null)
                : run[i];
            i += isEscape ? 2 : 0;
        }

        return IsText(bytes.AsSpan(0, length)) ? bytes[..length] : null;
    }

    private static bool IsText(ReadOnlySpan<byte> bytes) => !bytes.ContainsAnyExcept(TextLetters);
}
