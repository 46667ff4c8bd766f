using System.Globalization;

namespace Mayfly.Cli.Flags;

/// <summary><c>-flag=1h30m</c> or <c>-flag=90</c> (seconds). Kept as the text that the server takes.</summary>
internal sealed class DurationFlag(string name, string help) : Flag(name, help)
{
    public override string? ValueName => "duration";

    /// <summary>With a unit, always: <c>90s</c>.</summary>
    public string? Value { get; private set; }

    /// <summary>The same as a number, for a wait of this program's own; null when it was not given.</summary>
    public TimeSpan? Span { get; private set; }

    protected override string? Accept(string text)
    {
        // A negative duration stands for "what the system says" where a mount is tuned.
        var digits = text.StartsWith('-') ? text[1..] : text;
        if (digits.Length == 0 || SecondsOf(digits) is not { } seconds)
        {
            return "expected a duration such as 90s, 1h30m or 7d";
        }

        Span = TimeSpan.FromSeconds(Math.Min(seconds, TimeSpan.MaxValue.TotalSeconds / 2));
        Value = char.IsAsciiDigit(text[^1]) ? text + "s" : text;
        return null;
    }

    private static double? SecondsOf(string text)
    {
        var total = 0.0;
        var at = 0;
        while (at < text.Length)
        {
            var start = at;
            var dots = 0;
            while (at < text.Length && (char.IsAsciiDigit(text[at]) || (text[at] == '.' && dots++ == 0)))
            {
                at++;
            }

            if (at == start || text[start] == '.')
            {
                return null;
            }

            var number = double.Parse(text.AsSpan(start, at - start), CultureInfo.InvariantCulture);
            if (at == text.Length)
            {
                return start == 0 ? number : null;
            }

            var unit = text.AsSpan(at);
            var isMilliseconds = unit.StartsWith("ms", StringComparison.Ordinal);
            at += isMilliseconds ? 2 : 1;
            var factor = unit[0] switch
            {
                'm' => isMilliseconds ? 0.001 : 60,
                's' => 1,
                'h' => 3_600,
                'd' => 86_400,
                'w' => 604_800,
                _ => 0.0,
            };
            if (factor <= 0)
            {
                return null;
            }

            total += number * factor;
        }

        return total;
    }
}
