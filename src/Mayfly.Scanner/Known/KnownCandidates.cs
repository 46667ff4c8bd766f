using System.Buffers;
using System.Globalization;

namespace Mayfly.Scanner.Known;

/// <summary>
/// The texts in a fragment that could be a whole secret: words, parts of words between marks, what stands between quotation marks
/// or after a name, and all that again in what is escaped or encoded (JSON, percent signs, base64). The server takes the same
/// texts out of its secrets (<c>SecretParts</c> there). One pass; nothing is allocated for plain words.
/// </summary>
internal static class KnownCandidates
{
    private const int Shortest = 12;
    private const int Longest = 4096;
    private const int LongestPhrase = 256;
    private const int LongestEncoded = 64 * 1024;

    /// <summary>Base64 of text with percent signs in it, and no deeper.</summary>
    private const int Deepest = 3;

    private static readonly SearchValues<byte> Ends = SearchValues.Create([
        .. Enumerable.Range(0, 33).Select(b => (byte)b),
        127,
        .. "\"'`<>"u8,
    ]);

    private static readonly SearchValues<byte> Marks = SearchValues.Create("=:;,&|()[]{}@#?!$*^~\\"u8);

    private static readonly SearchValues<byte> RunLetters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"u8
    );

    private static readonly SearchValues<byte> Base64Letters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/"u8
    );

    private static readonly SearchValues<byte> PhraseMarks = SearchValues.Create("\"'`\n"u8);

    /// <summary>Gets a text that passed, and where it (or what it is encoded in) stands in the fragment.</summary>
    public delegate void Visitor(ReadOnlySpan<byte> text, int from, int length);

    /// <summary>Shows the candidates that pass the test; some more than once.</summary>
    public static void Visit(ReadOnlySpan<byte> fragment, CandidateTest test, Visitor visitor) =>
        new Walk(test, visitor, fragment.Length).Text(fragment, 0, 0);

    /// <param name="test">The test.</param>
    /// <param name="visitor">Gets what passes.</param>
    /// <param name="length">The fragment's.</param>
    private sealed class Walk(CandidateTest test, Visitor visitor, int length)
    {
        /// <summary>Where what is being decoded stands in the fragment; nothing at depth 0.</summary>
        private (int From, int Length) _outer = (0, length);

        /// <summary>Walks through a text.</summary>
        /// <param name="text">The fragment, or what was decoded of a part of it.</param>
        /// <param name="at">Where it begins in the fragment, at depth 0.</param>
        /// <param name="depth">How often it was decoded.</param>
        public void Text(ReadOnlySpan<byte> text, int at, int depth)
        {
            for (var from = 0; from < text.Length; )
            {
                var end = text[from..].IndexOfAny(Ends);
                end = end < 0 ? text.Length : from + end;
                if (end - from >= Shortest)
                {
                    Word(text[from..end], at + from, depth);
                }

                from = end + 1;
            }

            Phrases(text, at, depth);
        }

        private void Word(ReadOnlySpan<byte> word, int at, int depth)
        {
            if (word.Length <= Longest)
            {
                Try(word, at, depth);
                var start = word.Length - word.TrimStart("()[]{},;:.!?@#&*|=$"u8).Length;
                var trimmed = word.Trim("()[]{},;:.!?@#&*|=$"u8);
                if (trimmed.Length >= Shortest && trimmed.Length < word.Length)
                {
                    Try(trimmed, at + start, depth);
                }

                // After a name, with all marks that follow: in an assignment, in an address before the last @.
                if (word.IndexOfAny((byte)'=', (byte)':') is >= 0 and var mark)
                {
                    Tail(word, mark, at, depth);
                }
            }

            for (var from = 0; from < word.Length; )
            {
                var end = word[from..].IndexOfAny(Marks);
                end = end < 0 ? word.Length : from + end;
                if (end - from >= Shortest)
                {
                    Part(word[from..end], at + from, depth, isWhole: from == 0 && end == word.Length);
                }

                from = end + 1;
            }

            if (depth < Deepest && word.Length <= LongestEncoded)
            {
                Unescape(word, at, depth);
            }
        }

        private void Tail(ReadOnlySpan<byte> word, int mark, int at, int depth)
        {
            Tried(word, mark + 1, word.Length, at, depth);
            if (word.IndexOf("://"u8) is >= 0 and var scheme && word.LastIndexOf((byte)'@') is > 0 and var end)
            {
                var colon = word[(scheme + 3)..].IndexOf((byte)':') + scheme + 4;
                if (colon > scheme + 3 && colon < end)
                {
                    Tried(word, colon, end, at, depth);
                }
            }
            else if (word[(mark + 1)..].IndexOf((byte)':') is >= 0 and var second)
            {
                // user:password, after a name
                Tried(word, mark + second + 2, word.Length, at, depth);
            }
        }

        private void Tried(ReadOnlySpan<byte> word, int from, int end, int at, int depth)
        {
            var tail = word[from..end];
            if (tail.Length >= Shortest)
            {
                Try(tail, at + from, depth);
            }

            var trimmed = tail.TrimEnd(",;)]}"u8);
            if (trimmed.Length >= Shortest && trimmed.Length < tail.Length)
            {
                Try(trimmed, at + from, depth);
            }
        }

        /// <summary>What stands between marks; its runs of letters; and what it is base64 of.</summary>
        private void Part(ReadOnlySpan<byte> part, int at, int depth, bool isWhole)
        {
            if (!isWhole && part.Length <= Longest)
            {
                Try(part, at, depth);
            }

            for (var from = 0; from < part.Length; )
            {
                var end = part[from..].IndexOfAnyExcept(RunLetters);
                end = end < 0 ? part.Length : from + end;
                if (end - from >= Shortest && end - from < part.Length && end - from <= Longest)
                {
                    Try(part[from..end], at + from, depth);
                }

                from = end + 1;
            }

            if (depth < Deepest && part.Length is >= 16 and <= LongestEncoded)
            {
                Base64(part, at, depth);
            }
        }

        private void Base64(ReadOnlySpan<byte> part, int at, int depth)
        {
            Span<byte> head = stackalloc byte[4];
            Span<byte> three = stackalloc byte[3];
            part[..4].CopyTo(head);
            head.Replace((byte)'-', (byte)'+');
            head.Replace((byte)'_', (byte)'/');
            if (
                System.Buffers.Text.Base64.DecodeFromUtf8(head, three, out _, out _) != OperationStatus.Done
                || !IsText(three)
                || part.ContainsAnyExcept(Base64Letters)
            )
            {
                return;
            }

            var whole = part.Length % 4 == 1 ? part.Length - 1 : part.Length;
            var letters = ArrayPool<byte>.Shared.Rent(whole + 4);
            try
            {
                var padded = letters.AsSpan(0, (whole + 3) / 4 * 4);
                part[..whole].CopyTo(padded);
                padded[whole..].Fill((byte)'=');
                padded.Replace((byte)'-', (byte)'+');
                padded.Replace((byte)'_', (byte)'/');
                if (
                    System.Buffers.Text.Base64.DecodeFromUtf8InPlace(padded, out var written) == OperationStatus.Done
                    && IsText(padded[..written])
                )
                {
                    Inner(padded[..written], at, part.Length, depth);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(letters);
            }
        }

        private static bool IsText(ReadOnlySpan<byte> bytes)
        {
            foreach (var b in bytes)
            {
                if (b is < 9 or (> 13 and < 32) or 127)
                {
                    return false;
                }
            }

            return true;
        }

        private void Unescape(ReadOnlySpan<byte> word, int at, int depth)
        {
            var (slash, percent) = (word.Contains((byte)'\\'), word.Contains((byte)'%'));
            if (!slash && !percent)
            {
                return;
            }

            var plain = ArrayPool<byte>.Shared.Rent(word.Length);
            try
            {
                if (percent)
                {
                    Decoded(word, plain, PercentAt, at, depth);
                }

                if (slash)
                {
                    Decoded(word, plain, EscapeAt, at, depth);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(plain);
            }
        }

        private delegate int Decoder(ReadOnlySpan<byte> word, out byte plain);

        private void Decoded(ReadOnlySpan<byte> word, byte[] plain, Decoder decoder, int at, int depth)
        {
            var written = 0;
            for (var i = 0; i < word.Length; written++)
            {
                var read = decoder(word[i..], out plain[written]);
                i += read;
            }

            if (written < word.Length)
            {
                Inner(plain.AsSpan(0, written), at, word.Length, depth);
            }
        }

        private static int PercentAt(ReadOnlySpan<byte> word, out byte plain)
        {
            plain = word[0];
            return
                word[0] == (byte)'%'
                && word.Length >= 3
                && byte.TryParse(
                    word.Slice(1, 2),
                    NumberStyles.AllowHexSpecifier,
                    CultureInfo.InvariantCulture,
                    out plain
                )
                ? 3
                : 1;
        }

        /// <summary>Escapes of JSON and of most languages; <c>\u</c> of ASCII alone, which is what writers escape in secrets.</summary>
        private static int EscapeAt(ReadOnlySpan<byte> word, out byte plain)
        {
            plain = word[0];
            if (word[0] != (byte)'\\' || word.Length < 2)
            {
                return 1;
            }

            if (
                word[1] == (byte)'u'
                && word.Length >= 6
                && ushort.TryParse(
                    word.Slice(2, 4),
                    NumberStyles.AllowHexSpecifier,
                    CultureInfo.InvariantCulture,
                    out var unit
                )
                && unit < 128
            )
            {
                plain = (byte)unit;
                return 6;
            }

            plain = word[1] switch
            {
                (byte)'n' or (byte)'r' or (byte)'t' => (byte)'\n',
                _ => word[1],
            };
            return 2;
        }

        private void Inner(ReadOnlySpan<byte> text, int at, int length, int depth)
        {
            var outer = _outer;
            if (depth == 0)
            {
                _outer = (at, length);
            }

            Text(text, 0, depth + 1);
            _outer = outer;
        }

        /// <summary>Texts with spaces in them: between quotation marks, and from a name to the end of the line.</summary>
        private void Phrases(ReadOnlySpan<byte> text, int at, int depth)
        {
            if (depth > 0)
            {
                Phrase(text, 0, text.Length, at, depth);
            }

            var lineStart = 0;
            var opened = -1;
            for (var from = 0; from <= text.Length; )
            {
                var next = from == text.Length ? -1 : text[from..].IndexOfAny(PhraseMarks);
                var place = next < 0 ? text.Length : from + next;
                var mark = next < 0 ? (byte)'\n' : text[place];
                if (mark == (byte)'\n')
                {
                    Assigned(text, lineStart, place, at, depth);
                    (lineStart, opened) = (place + 1, -1);
                }
                else if (opened >= 0 && text[opened] == mark)
                {
                    Phrase(text, opened + 1, place, at, depth);
                    opened = -1;
                }
                else if (opened < 0)
                {
                    opened = place;
                }

                from = place + 1;
            }
        }

        private void Assigned(ReadOnlySpan<byte> text, int from, int end, int at, int depth)
        {
            // Longer lines are prose or data.
            if (end - from is < Shortest or > LongestPhrase + 128)
            {
                return;
            }

            var mark = text[from..end].IndexOfAny((byte)'=', (byte)':');
            if (mark > 0)
            {
                Phrase(text, from + mark + 1, end, at, depth);
            }
        }

        private void Phrase(ReadOnlySpan<byte> text, int from, int end, int at, int depth)
        {
            while (from < end && text[from] is (byte)' ' or (byte)'\t')
            {
                from++;
            }

            while (end > from && text[end - 1] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)';' or (byte)',')
            {
                end--;
            }

            var phrase = text[from..end];
            if (phrase.Length is >= Shortest and <= LongestPhrase && phrase.ContainsAny((byte)' ', (byte)'\''))
            {
                Try(phrase, at + from, depth);
            }
        }

        private void Try(ReadOnlySpan<byte> candidate, int at, int depth)
        {
            // As the server has them: padding is left out by many.
            var text = candidate.TrimEnd((byte)'=');
            if (text.Length >= Shortest && test(text))
            {
                var (from, length) = depth == 0 ? (at, text.Length) : _outer;
                visitor(text, from, length);
            }
        }
    }
}
