using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Scanner.Sources;

namespace Mayfly.Cli.Commands.Scan;

internal sealed class ScanGitCommand() : ScanCommand("git", "Find secrets in the history of a git repository")
{
    private readonly TextFlag _log = new(
        "log-opts",
        "Which commits, as options of git log: \"main..HEAD\", \"--since=2025-01-01 --all\". Else all of every branch."
    );

    private readonly BoolFlag _staged = new("staged", "Only what is staged, for use before a commit.");

    private readonly BoolFlag _preCommit = new("pre-commit", "Only what has been changed and is not staged.");

    public override string Usage => "[options] [PATH]";

    public override string Details =>
        """
            Holds the rules against the lines that commits have added, through the git program. PATH is the repository (the
            current folder if not given), and may be bare or shallow. Exit code: 0 clean, 1 leaks, 2 error.
            $ mayfly scan git
            $ mayfly scan git -log-opts="origin/main..HEAD"
            $ mayfly scan git -staged
            $ mayfly scan git -max-archive-depth=1
            """;

    public override int Most => 1;

    protected override IReadOnlyList<Flag> OwnFlags => [_log, _staged, _preCommit];

    protected override string? FolderOf(Invocation call) => Target(call);

    protected override (IScanSource? Source, string? Problem) SourceOf(Invocation call, IReadOnlySet<string> own)
    {
        var scope =
            _staged.Value ? GitScope.Staged
            : _preCommit.Value ? GitScope.Unstaged
            : GitScope.History;
        return History(Target(call), scope, _log.Value);
    }

    private static string Target(Invocation call) => call.Arguments is [var path, ..] ? path : ".";
}
