using System.Globalization;

namespace Mayfly.Cli.Flags;

/// <summary><c>-flag</c> for all of something, <c>-flag=30</c> for so many percent.</summary>
internal sealed class ShareFlag(string name, string help) : Flag(name, help)
{
    public override string? ValueName => "percent";

    public override string? Alone => "100";

    public int? Value { get; private set; }

    protected override string? Accept(string text)
    {
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number > 100)
        {
            return "expected a number from 0 to 100";
        }

        Value = number;
        return null;
    }
}
