using Mayfly.Cli.Commands.Local;
using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Scan;

internal sealed class ScanGroup() : Group("scan", "Find secrets that have leaked into files, histories and logs")
{
    public override IReadOnlyList<string> Names => ["git", "dir", "stdin", "install-hook"];

    public override Node? Find(string name) =>
        name switch
        {
            "git" => new ScanGitCommand(),
            "dir" or "directory" or "file" => new ScanDirCommand(),
            "stdin" => new ScanStdinCommand(),
            "detect" => new ScanDetectCommand(protects: false),
            "protect" => new ScanDetectCommand(protects: true),
            "version" => new VersionCommand(),
            "install-hook" => new ScanInstallHookCommand(),
            _ => null,
        };
}
