namespace Mayfly.Cli.Flags;

/// <summary><c>-flag=key=value</c>, repeated; a later value of the same key counts.</summary>
internal sealed class MapFlag(string name, string help) : Flag(name, help)
{
    private readonly Dictionary<string, string> _values = [];

    public override string? ValueName => "key=value";

    public IReadOnlyDictionary<string, string> Values => _values;

    protected override string? Accept(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            return "expected key=value";
        }

        _values[text[..equals]] = text[(equals + 1)..];
        return null;
    }
}
