using System.Globalization;
using System.Text;

namespace Mayfly.Agent.Templates.Values;

/// <summary>Times in the layouts of Go, which write the moment Mon Jan 2 15:04:05 MST 2006 as the result shall look. Always UTC.</summary>
internal static class GoTime
{
    public const string Rfc3339 = "2006-01-02T15:04:05Z07:00";

    // The longest first, so that 2006 is not taken for 2.
    private static readonly (string Layout, Func<DateTimeOffset, string> Text)[] Parts =
    [
        ("January", time => time.ToString("MMMM", CultureInfo.InvariantCulture)),
        ("Monday", time => time.ToString("dddd", CultureInfo.InvariantCulture)),
        ("Z07:00", _ => "Z"),
        ("-07:00", _ => "+00:00"),
        ("Z0700", _ => "Z"),
        ("-0700", _ => "+0000"),
        ("2006", time => time.ToString("yyyy", CultureInfo.InvariantCulture)),
        ("Jan", time => time.ToString("MMM", CultureInfo.InvariantCulture)),
        ("Mon", time => time.ToString("ddd", CultureInfo.InvariantCulture)),
        ("MST", _ => "UTC"),
        ("Z07", _ => "Z"),
        ("-07", _ => "+00"),
        ("002", time => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture)),
        ("__2", time => time.DayOfYear.ToString(CultureInfo.InvariantCulture).PadLeft(3)),
        ("01", time => time.ToString("MM", CultureInfo.InvariantCulture)),
        ("02", time => time.ToString("dd", CultureInfo.InvariantCulture)),
        ("03", time => time.ToString("hh", CultureInfo.InvariantCulture)),
        ("04", time => time.ToString("mm", CultureInfo.InvariantCulture)),
        ("05", time => time.ToString("ss", CultureInfo.InvariantCulture)),
        ("06", time => time.ToString("yy", CultureInfo.InvariantCulture)),
        ("15", time => time.ToString("HH", CultureInfo.InvariantCulture)),
        ("PM", time => time.Hour < 12 ? "AM" : "PM"),
        ("pm", time => time.Hour < 12 ? "am" : "pm"),
        ("_2", time => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2)),
        ("1", time => time.Month.ToString(CultureInfo.InvariantCulture)),
        ("2", time => time.Day.ToString(CultureInfo.InvariantCulture)),
        ("3", time => (((time.Hour + 11) % 12) + 1).ToString(CultureInfo.InvariantCulture)),
        ("4", time => time.Minute.ToString(CultureInfo.InvariantCulture)),
        ("5", time => time.Second.ToString(CultureInfo.InvariantCulture)),
    ];

    /// <summary>A moment in a layout.</summary>
    public static string Format(DateTimeOffset time, string layout)
    {
        time = time.ToUniversalTime();
        var result = new StringBuilder();
        for (var at = 0; at < layout.Length; )
        {
            var rest = layout.AsSpan(at);
            if (Fraction(time, rest, result, out var consumed))
            {
                at += consumed;
                continue;
            }

            var part = Parts.FirstOrDefault(part =>
                layout.AsSpan(at).StartsWith(part.Layout, StringComparison.Ordinal)
            );
            result.Append(part.Text?.Invoke(time) ?? layout[at].ToString());
            at += part.Layout?.Length ?? 1;
        }

        return result.ToString();
    }

    /// <summary>.000 is the fraction of the second with all its digits, .999 without zeros at the end.</summary>
    private static bool Fraction(DateTimeOffset time, ReadOnlySpan<char> rest, StringBuilder result, out int consumed)
    {
        consumed = 0;
        if (rest.Length < 2 || rest[0] is not ('.' or ',') || rest[1] is not ('0' or '9'))
        {
            return false;
        }

        var kind = rest[1];
        var digits = rest[1..].IndexOfAnyExcept(kind);
        digits = digits < 0 ? rest.Length - 1 : digits;
        if (digits > 9 || (1 + digits < rest.Length && char.IsAsciiDigit(rest[1 + digits])))
        {
            return false;
        }

        consumed = 1 + digits;
        var text = (time.Ticks % TimeSpan.TicksPerSecond * 100).ToString("000000000", CultureInfo.InvariantCulture)[
            ..digits
        ];
        text = kind == '9' ? text.TrimEnd('0') : text;
        result.Append(text.Length > 0 ? rest[0] + text : "");
        return true;
    }
}
