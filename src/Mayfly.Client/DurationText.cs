using System.Globalization;

namespace Mayfly.Client;

/// <summary>Durations as this wire spells them: <c>90</c> (seconds), <c>90s</c>, <c>1h30m</c>, <c>1.5h</c>, <c>7d</c>.</summary>
internal static class DurationText
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(365 * 200);

    /// <summary>The duration, or null when <paramref name="text"/> is not one or is negative.</summary>
    public static TimeSpan? Parse(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
        {
            return null;
        }

        if (TryNumber(text, out var seconds))
        {
            return Bounded(seconds);
        }

        var total = 0.0;
        while (!text.IsEmpty)
        {
            var digits = 0;
            while (digits < text.Length && (char.IsAsciiDigit(text[digits]) || text[digits] == '.'))
            {
                digits++;
            }

            var letters = digits;
            while (letters < text.Length && char.IsAsciiLetterLower(text[letters]))
            {
                letters++;
            }

            var unit = text[digits..letters] switch
            {
                "ms" => 0.001,
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                "d" => 86400,
                "w" => 604800,
                _ => 0.0,
            };
            if (unit <= 0 || !TryNumber(text[..digits], out var number))
            {
                return null;
            }

            total += number * unit;
            text = text[letters..];
        }

        return Bounded(total);
    }

    /// <summary>Whole seconds, as <c>90s</c>; null for null.</summary>
    public static string? Of(TimeSpan? duration) =>
        duration is { } some
            ? string.Create(CultureInfo.InvariantCulture, $"{(long)Math.Ceiling(some.TotalSeconds)}s")
            : null;

    private static TimeSpan? Bounded(double seconds) =>
        seconds <= Longest.TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;

    private static bool TryNumber(ReadOnlySpan<char> text, out double number) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number);
}
