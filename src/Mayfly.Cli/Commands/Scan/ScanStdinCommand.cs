using Mayfly.Cli.Dispatch;
using Mayfly.Scanner.Sources;

namespace Mayfly.Cli.Commands.Scan;

internal sealed class ScanStdinCommand() : ScanCommand("stdin", "Find secrets in standard input")
{
    public override string Usage => "[options]";

    public override string Details =>
        """
            Holds the rules against what comes in: a log, a stack trace. Exit code: 0 clean, 1 leaks, 2 error.
            $ kubectl logs deploy/app | mayfly scan stdin
            """;

    protected override string? FolderOf(Invocation call) => null;

    protected override (IScanSource? Source, string? Problem) SourceOf(Invocation call, IReadOnlySet<string> own) =>
        (Input(call), null);
}
