using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Local;

/// <summary>What could stand where the cursor is. Called by the completion scripts, with the words so far.</summary>
internal sealed class CompleteCommand() : Command("__complete", "Candidates for completion"), IPassThrough
{
    public override string Usage => "[WORD...]";

    public override string Details => "Called by the completion scripts.";

    public int Run(Session session, IReadOnlyList<string> words)
    {
        foreach (var candidate in Completion.For(words, session))
        {
            session.Out.Write(candidate + "\n");
        }

        return Exit.Ok;
    }

    public override Task<int> RunAsync(Invocation call) => Task.FromResult(Run(call.Session, call.Arguments));
}
