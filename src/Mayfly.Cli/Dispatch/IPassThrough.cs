namespace Mayfly.Cli.Dispatch;

/// <summary>A command that reads its words by itself, because they are another program's.</summary>
internal interface IPassThrough
{
    int Run(Session session, IReadOnlyList<string> words);
}
