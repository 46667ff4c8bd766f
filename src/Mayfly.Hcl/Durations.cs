using System.Buffers;
using System.Globalization;

namespace Mayfly.Hcl;

/// <summary>
/// Durations as Vault's API takes them: a number of seconds (<c>90</c>, <c>"90"</c>), or Go's notation (<c>1h30m</c>,
/// <c>1.5h</c>, <c>250ms</c>) with <c>d</c> for days besides.
/// </summary>
public static class Durations
{
    /// <summary>No duration is longer than this: 100 years. It keeps sums of times away from overflow.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(36_500);

    private static readonly SearchValues<char> AmountCharacters = SearchValues.Create("0123456789.");

    /// <summary>Parses a duration that is not negative and at most <see cref="Longest"/>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = default;
        text = text.Trim();
        if (text.IsEmpty)
        {
            return false;
        }

        var total = 0m;
        if (text.IndexOfAnyExceptInRange('0', '9') < 0)
        {
            return decimal.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out total)
                && TryFrom(total, out duration);
        }

        while (!text.IsEmpty)
        {
            var digits = text.IndexOfAnyExcept(AmountCharacters);
            if (
                digits <= 0
                || digits > 20
                || !decimal.TryParse(
                    text[..digits],
                    NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture,
                    out var amount
                )
            )
            {
                return false;
            }

            text = text[digits..];
            var unitLength = text.IndexOfAnyInRange('0', '9');
            var unit = unitLength < 0 ? text : text[..unitLength];
            var seconds = unit switch
            {
                "ns" => 0.000_000_001m,
                "us" or "µs" => 0.000_001m,
                "ms" => 0.001m,
                "s" => 1m,
                "m" => 60m,
                "h" => 3_600m,
                "d" => 86_400m,
                _ => 0m,
            };
            if (seconds == 0m || amount > (decimal)Longest.TotalSeconds)
            {
                return false;
            }

            total += amount * seconds;
            if (total > (decimal)Longest.TotalSeconds)
            {
                return false;
            }

            text = text[unit.Length..];
        }

        return TryFrom(total, out duration);
    }

    /// <summary>From a number of seconds, as JSON numbers give it.</summary>
    public static bool TryFrom(decimal seconds, out TimeSpan duration)
    {
        duration = default;
        if (seconds < 0 || seconds > (decimal)Longest.TotalSeconds)
        {
            return false;
        }

        duration = TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond));
        return true;
    }
}
