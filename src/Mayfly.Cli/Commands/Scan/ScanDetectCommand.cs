using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Scanner.Sources;

namespace Mayfly.Cli.Commands.Scan;

/// <summary><c>detect</c> and <c>protect</c>, as gitleaks had them before <c>git</c>, <c>dir</c> and <c>stdin</c>.</summary>
internal sealed class ScanDetectCommand(bool protects)
    : ScanCommand(
        protects ? "protect" : "detect",
        protects ? "The old name of: git -pre-commit" : "The old name of: git, dir and stdin"
    )
{
    private readonly TextFlag _source = new("source", "The repository or folder; the current one if not given.")
    {
        Alias = "s",
    };

    private readonly BoolFlag _noGit = new("no-git", "It is a folder, not a repository: mayfly scan dir.");

    private readonly BoolFlag _pipe = new("pipe", "Scan standard input: mayfly scan stdin.");

    private readonly BoolFlag _links = new("follow-symlinks", "Follow links to files. Links to folders never are.");

    private readonly TextFlag _log = new("log-opts", "Which commits, as options of git log.");

    private readonly BoolFlag _staged = new("staged", "Only what is staged.");

    public override string Usage => "[options]";

    public override string Details =>
        """
            For pipelines that were written for older versions of gitleaks; see "mayfly scan git", "dir" and "stdin".
            $ mayfly scan detect -source .
            $ mayfly scan detect -source . -no-git
            $ mayfly scan protect -staged
            """;

    protected override IReadOnlyList<Flag> OwnFlags =>
        protects ? [_source, _log, _staged] : [_source, _noGit, _pipe, _links, _log];

    private string Target => _source.Value ?? ".";

    protected override string? FolderOf(Invocation call) => _pipe.Value ? null : Target;

    protected override (IScanSource? Source, string? Problem) SourceOf(Invocation call, IReadOnlySet<string> own)
    {
        if (protects)
        {
            return History(Target, _staged.Value ? GitScope.Staged : GitScope.Unstaged, null);
        }

        return _pipe.Value ? (Input(call), null)
            : _noGit.Value ? Folder(Target, _links.Value, includeIgnored: false, own)
            : History(Target, GitScope.History, _log.Value);
    }
}
