using System.Globalization;

namespace Mayfly.Cli.Flags;

/// <summary><c>-flag=3</c>.</summary>
internal sealed class NumberFlag(string name, string help) : Flag(name, help)
{
    public override string? ValueName => "int";

    public int? Value { get; private set; }

    protected override string? Accept(string text)
    {
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            return "expected a whole number";
        }

        Value = number;
        return null;
    }
}
