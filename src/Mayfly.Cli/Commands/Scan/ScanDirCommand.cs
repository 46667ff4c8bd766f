using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Scanner.Sources;

namespace Mayfly.Cli.Commands.Scan;

internal sealed class ScanDirCommand() : ScanCommand("dir", "Find secrets in a folder or a file")
{
    private readonly BoolFlag _links = new("follow-symlinks", "Follow links to files. Links to folders never are.");

    private readonly BoolFlag _ignored = new("no-gitignore", "Scan also what .gitignore files name.");

    public override string Usage => "[options] [PATH]";

    public override string Details =>
        """
            Holds the rules against every text file below PATH (the current folder if not given). What .gitignore names
            and .git are left out; files that are no text are counted. Exit code: 0 clean, 1 leaks, 2 error.
            $ mayfly scan dir
            $ mayfly scan dir -f sarif -r leaks.sarif src
            $ mayfly scan dir -max-archive-depth=2 image.tar
            $ mayfly scan dir -r baseline.json; mayfly scan dir -b baseline.json
            """;

    public override int Most => 1;

    protected override IReadOnlyList<Flag> OwnFlags => [_links, _ignored];

    protected override string? FolderOf(Invocation call) => Target(call);

    protected override (IScanSource? Source, string? Problem) SourceOf(Invocation call, IReadOnlySet<string> own) =>
        Folder(Target(call), _links.Value, _ignored.Value, own);

    private static string Target(Invocation call) => call.Arguments is [var path, ..] ? path : ".";
}
