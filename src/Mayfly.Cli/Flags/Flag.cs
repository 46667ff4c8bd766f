namespace Mayfly.Cli.Flags;

/// <summary>One flag of a command. Holds the value that was given, so it serves one invocation.</summary>
internal abstract class Flag(string name, string help)
{
    public string Name { get; } = name;

    public string Help { get; } = help;

    /// <summary>A second name, such as <c>n</c> for <c>key-shares</c>.</summary>
    public string? Alias { get; init; }

    /// <summary>Known, but not shown in help.</summary>
    public bool Hidden { get; init; }

    /// <summary>The values that shell completion offers.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>What the value is, for help; null for a flag that stands alone.</summary>
    public abstract string? ValueName { get; }

    /// <summary>What the flag means without a value; null when it needs one.</summary>
    public virtual string? Alone => null;

    public bool IsSet { get; private set; }

    /// <summary>Takes a value as typed. Returns what is wrong with it, or null.</summary>
    public string? Take(string text)
    {
        IsSet = true;
        return Accept(text);
    }

    protected abstract string? Accept(string text);
}
