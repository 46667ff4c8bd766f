namespace Mayfly.Cli.Flags;

/// <summary><c>-flag</c>, <c>-flag=true</c> or <c>-flag=false</c>.</summary>
internal sealed class BoolFlag(string name, string help) : Flag(name, help)
{
    public override string? ValueName => null;

    public override string? Alone => "true";

    public bool Value { get; private set; }

    protected override string? Accept(string text)
    {
        switch (text)
        {
            case "1" or "t" or "T" or "true" or "TRUE" or "True":
                Value = true;
                return null;
            case "0" or "f" or "F" or "false" or "FALSE" or "False":
                Value = false;
                return null;
            default:
                return "expected true or false";
        }
    }
}
