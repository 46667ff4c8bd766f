namespace Mayfly.Cli.Dispatch;

/// <summary>A word of the command line: a command, or a noun with commands below it.</summary>
internal abstract class Node(string name, string synopsis)
{
    public string Name { get; } = name;

    /// <summary>One line, for the list of commands.</summary>
    public string Synopsis { get; } = synopsis;
}
