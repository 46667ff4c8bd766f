namespace Mayfly.Cli.Flags;

/// <summary><c>-flag=a -flag=b</c>, and <c>-flag=a,b</c> where a comma separates.</summary>
internal sealed class ListFlag(string name, string help, bool splitAtCommas = false) : Flag(name, help)
{
    private readonly List<string> _values = [];

    public override string? ValueName => "string";

    public IReadOnlyList<string> Values => _values;

    protected override string? Accept(string text)
    {
        if (splitAtCommas)
        {
            _values.AddRange(text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        }
        else
        {
            _values.Add(text);
        }

        return null;
    }
}
