namespace Mayfly.Cli.Dispatch;

/// <summary>A noun: <c>kv</c>, <c>token</c>. Its commands come into being only when they are asked for.</summary>
internal abstract class Group(string name, string synopsis) : Node(name, synopsis)
{
    /// <summary>What stands below it, in the order of the help text.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    public abstract Node? Find(string name);

    /// <summary>What runs when none of them is named; null when one has to be.</summary>
    public virtual Command? Otherwise => null;
}
