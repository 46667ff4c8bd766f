namespace Mayfly.Cli.Flags;

/// <summary><c>-flag=text</c>; the last one counts.</summary>
internal sealed class TextFlag(string name, string help) : Flag(name, help)
{
    public override string? ValueName => "string";

    public string? Value { get; private set; }

    protected override string? Accept(string text)
    {
        Value = text;
        return null;
    }
}
