namespace Mayfly.Cli.Flags;

/// <summary><c>-flag=1h30m</c> or <c>-flag=90</c> (seconds). Kept as the text that the server takes.</summary>
internal sealed class DurationFlag(string name, string help) : Flag(name, help)
{
    public override string? ValueName => "duration";

    /// <summary>With a unit, always: <c>90s</c>.</summary>
    public string? Value { get; private set; }

    protected override string? Accept(string text)
    {
        // A negative duration stands for "what the system says" where a mount is tuned.
        var digits = text.StartsWith('-') ? text[1..] : text;
        if (digits.Length == 0 || !IsDuration(digits))
        {
            return "expected a duration such as 90s, 1h30m or 7d";
        }

        Value = char.IsAsciiDigit(text[^1]) ? text + "s" : text;
        return null;
    }

    private static bool IsDuration(string text)
    {
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
                return false;
            }

            if (at == text.Length)
            {
                return start == 0;
            }

            var unit = text.AsSpan(at);
            at += unit.StartsWith("ms", StringComparison.Ordinal) ? 2 : 1;
            if (!"smhdw".Contains(unit[0], StringComparison.Ordinal))
            {
                return false;
            }
        }

        return true;
    }
}
