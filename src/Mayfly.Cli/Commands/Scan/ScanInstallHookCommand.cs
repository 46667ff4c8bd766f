using System.Diagnostics;
using Mayfly.Agent.Processes;
using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Scan;

internal sealed class ScanInstallHookCommand() : Command("install-hook", "Scan what is staged before each commit")
{
    private const int Failed = 2;
    private const string Line = "mayfly scan git --staged --redact --verbose";
    private const string Content = $"""
        #!/bin/sh
        # Written by "mayfly scan install-hook": a commit with a leak does not come about.
        exec {Line}

        """;

    public override string Usage => "[PATH]";

    public override string Details =>
        """
            Writes the pre-commit hook of the git repository PATH (the current folder if not given). Another hook that is
            there already is left alone. "git commit --no-verify" passes the hook by.
            $ mayfly scan install-hook
            """;

    public override int Most => 1;

    public override bool UsesServer => false;

    public override int WrongUse => Failed;

    public override async Task<int> RunAsync(Invocation call)
    {
        var repository = call.Arguments is [var path, ..] ? path : ".";
        if (await HooksFolderAsync(repository, call.Cancellation) is not { } folder)
        {
            call.Print.Error($"{repository}: git knows no repository there");
            return Failed;
        }

        var hook = Path.Combine(folder, "pre-commit");
        if (File.Exists(hook) && await File.ReadAllTextAsync(hook, call.Cancellation) != Content)
        {
            call.Print.Error($"{hook} is there already and is left as it is. Add this line to it:\n\n{Line} || exit 1");
            return Failed;
        }

        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(hook, Content, call.Cancellation);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(hook, File.GetUnixFileMode(hook) | UnixFileMode.UserExecute);
        }

        call.Print.Line($"Success! Commits are scanned by {hook}");
        return Exit.Ok;
    }

    /// <summary>Where git looks for hooks, which core.hooksPath may have moved; null outside of repositories.</summary>
    private static async Task<string?> HooksFolderAsync(string repository, CancellationToken cancellation)
    {
        try
        {
            // Not by its name alone: .NET would run a file of the repository that is called git.
            var start = new ProcessStartInfo(ChildProcess.Locate("git"))
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                UseShellExecute = false,
            };
            foreach (var word in (string[])["-C", repository, "rev-parse", "--git-path", "hooks"])
            {
                start.ArgumentList.Add(word);
            }

            using var git = Process.Start(start)!;
            var errors = git.StandardError.ReadToEndAsync(cancellation);
            var output = await git.StandardOutput.ReadToEndAsync(cancellation);
            await errors;
            await git.WaitForExitAsync(cancellation);
            return git.ExitCode == 0 ? Path.Combine(repository, output.TrimEnd('\n')) : null;
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or ProgramStartException)
        {
            return null;
        }
    }
}
