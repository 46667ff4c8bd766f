using System.Globalization;

namespace Mayfly.Scanner.Toml;

/// <summary>Dates and times as RFC 3339 writes them, whole or in part.</summary>
internal static class TomlTime
{
    private const int DateLength = 10;
    private const int TimeLength = 8;

    /// <summary>The value's kind and its text, or null when the word is none.</summary>
    public static (TomlKind Kind, string Text)? Read(string word)
    {
        if (IsTimeOfDay(word, out var rest) && rest.Length == 0)
        {
            return (TomlKind.LocalTime, word);
        }

        if (!IsDate(word.AsSpan(0, Math.Min(word.Length, DateLength))))
        {
            return null;
        }

        if (word.Length == DateLength)
        {
            return (TomlKind.LocalDate, word);
        }

        if (word[DateLength] is not ('T' or 't' or ' ') || !IsTimeOfDay(word.AsSpan(DateLength + 1), out var offset))
        {
            return null;
        }

        var text = $"{word[..DateLength]}T{word[(DateLength + 1)..]}".ToUpperInvariant();
        return offset.Length == 0 ? (TomlKind.LocalDateTime, text)
            : IsOffset(offset) ? (TomlKind.OffsetDateTime, text)
            : null;
    }

    /// <summary>Whether that is a day that exists, as <c>2026-11-20</c>.</summary>
    public static bool IsDate(ReadOnlySpan<char> word) =>
        word.Length == DateLength
        && DateOnly.TryParseExact(word, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static bool IsTimeOfDay(ReadOnlySpan<char> word, out ReadOnlySpan<char> rest)
    {
        rest = word;
        if (
            word.Length < TimeLength
            || word[2] != ':'
            || word[5] != ':'
            || !IsNumber(word[..2], 23)
            || !IsNumber(word[3..5], 59)
            // 60 is a leap second.
            || !IsNumber(word[6..8], 60)
        )
        {
            return false;
        }

        rest = word[TimeLength..];
        if (rest.Length > 0 && rest[0] == '.')
        {
            var digits = rest[1..].IndexOfAnyExceptInRange('0', '9');
            digits = digits < 0 ? rest.Length - 1 : digits;
            if (digits == 0)
            {
                return false;
            }

            rest = rest[(digits + 1)..];
        }

        return true;
    }

    private static bool IsOffset(ReadOnlySpan<char> text) =>
        text is "Z" or "z"
        || (
            text.Length == 6
            && text[0] is '+' or '-'
            && text[3] == ':'
            && IsNumber(text[1..3], 23)
            && IsNumber(text[4..6], 59)
        );

    private static bool IsNumber(ReadOnlySpan<char> text, int most) =>
        char.IsAsciiDigit(text[0]) && char.IsAsciiDigit(text[1]) && ((text[0] - '0') * 10) + text[1] - '0' <= most;
}
