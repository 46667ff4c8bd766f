using System.Diagnostics;

namespace Mayfly.Scanner.Sources;

/// <summary>The <c>git</c> program, which must be on the PATH, in one repository. Safe for concurrent use.</summary>
/// <param name="repository">Its folder; may be bare.</param>
internal sealed class GitProgram(string repository)
{
    /// <summary>How git must answer whatever the repository's or user's configuration says, and that it runs nothing from there.</summary>
    private static readonly string[] Settings =
    [
        "-c",
        "core.quotePath=false",
        "-c",
        "core.fsmonitor=false",
        "-c",
        "log.showSignature=false",
        "-c",
        "log.showRoot=true",
        "-c",
        "i18n.logOutputEncoding=UTF-8",
    ];

    private const UnixFileMode Executable =
        UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Runs a command.</summary>
    /// <param name="command">The words after <c>git</c>.</param>
    /// <param name="input">Lines for its standard input, or null.</param>
    /// <param name="read">Reads what it writes, to the end.</param>
    /// <returns>Why git failed, or null.</returns>
    public string? Run(IReadOnlyList<string> command, IReadOnlyList<string>? input, Action<Stream> read) =>
        Talk(
            command,
            (questions, answers) =>
            {
                if (input is not null)
                {
                    questions.Write(string.Join('\n', input) + "\n");
                }

                questions.Close();
                read(answers);
            }
        );

    /// <summary>Runs a command that answers what it is asked.</summary>
    /// <param name="command">The words after <c>git</c>.</param>
    /// <param name="talk">Asks, closes the input, and reads to the end.</param>
    /// <returns>Why git failed, or null.</returns>
    public string? Talk(IReadOnlyList<string> command, Action<StreamWriter, Stream> talk)
    {
        if (Find() is not { } program)
        {
            return "git could not be started: there is none in PATH";
        }

        using var git = new Process { StartInfo = Start(program, command) };
        var complaints = new List<string>();
        git.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { Length: > 0 } && complaints.Count < 10)
            {
                complaints.Add(line.Data);
            }
        };
        try
        {
            git.Start();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"git could not be started: {e.Message}";
        }

        git.BeginErrorReadLine();
        try
        {
            talk(git.StandardInput, git.StandardOutput.BaseStream);
            git.WaitForExit();
            return git.ExitCode == 0
                ? null
                : $"git ended with exit code {git.ExitCode}: {string.Join("; ", complaints)}";
        }
        finally
        {
            if (!git.HasExited)
            {
                git.Kill(entireProcessTree: true);
                git.WaitForExit();
            }
        }
    }

    /// <summary>
    /// Where git is, as a shell would find it. .NET would look in the working folder first, which may be the repository: a file there
    /// that is called git is not to be run.
    /// </summary>
    private static string? Find() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "git.exe" : "git"))
            .FirstOrDefault(file =>
                File.Exists(file)
                && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(file) & Executable) != UnixFileMode.None)
            );

    private ProcessStartInfo Start(string program, IReadOnlyList<string> command)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        foreach (var word in (string[])["-C", repository, .. Settings, .. command])
        {
            start.ArgumentList.Add(word);
        }

        start.Environment["GIT_OPTIONAL_LOCKS"] = "0";
        start.Environment["LC_ALL"] = "C";
        return start;
    }
}
