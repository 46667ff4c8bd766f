using System.ComponentModel;
using System.Diagnostics;

namespace Mayfly.Agent.Processes;

/// <summary>A program that this one has started, with its own standard streams. Safe for concurrent use.</summary>
internal sealed class ChildProcess : IDisposable
{
    private const int NoSuchFile = 2;

    private const UnixFileMode Executable =
        UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly Process _process;

    private ChildProcess(Process process)
    {
        _process = process;
        // Waiting also fetches what the kernel keeps of the dead: no zombie stays.
        Exited = ExitCodeAsync();
    }

    public int Id => _process.Id;

    /// <summary>What it writes, when that is to be read.</summary>
    public Stream Output => _process.StandardOutput.BaseStream;

    /// <summary>What it writes to standard error, when that is to be read.</summary>
    public Stream Error => _process.StandardError.BaseStream;

    /// <summary>Ends with the exit code; 128 and the signal's number when a signal ended it.</summary>
    public Task<int> Exited { get; }

    /// <summary>Starts a program.</summary>
    /// <param name="command">The program (a path, or a name that is looked up in PATH) and its arguments.</param>
    /// <param name="variables">Environment variables besides the agent's own; null takes one away.</param>
    /// <param name="readsOutput">What it writes is to be read from <see cref="Output"/> and <see cref="Error"/>.</param>
    /// <exception cref="ProgramStartException">It cannot be started.</exception>
    public static ChildProcess Start(
        IReadOnlyList<string> command,
        IEnumerable<KeyValuePair<string, string?>> variables,
        bool readsOutput = false
    )
    {
        var start = new ProcessStartInfo(Locate(command[0]))
        {
            UseShellExecute = false,
            RedirectStandardOutput = readsOutput,
            RedirectStandardError = readsOutput,
        };
        foreach (var argument in command.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in variables)
        {
            if (value is null)
            {
                start.Environment.Remove(name);
            }
            else
            {
                start.Environment[name] = value;
            }
        }

        try
        {
            return new ChildProcess(Process.Start(start)!);
        }
        catch (Win32Exception e)
        {
            throw new ProgramStartException(
                $"{command[0]} cannot be started: {e.Message}",
                e.NativeErrorCode == NoSuchFile
                    ? ProgramStartException.IsNotFound
                    : ProgramStartException.CannotBeExecuted,
                e
            );
        }
    }

    /// <summary>Sends a signal. False when it has ended.</summary>
    public bool Signal(int signal) => !Exited.IsCompleted && Signals.Send(_process.Id, signal);

    /// <summary>Asks it to end by a signal, and ends it by SIGKILL when it has not after <paramref name="limit"/>.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> StopAsync(int signal, TimeSpan limit, TimeProvider time)
    {
        Signal(signal);
        try
        {
            return await Exited.WaitAsync(limit, time);
        }
        catch (TimeoutException)
        {
            Signal(Signals.Kill);
            return await Exited;
        }
    }

    public void Dispose() => _process.Dispose();

    /// <summary>The program as a shell would find it. .NET would look beside its own program first, and then in the working folder.</summary>
    /// <exception cref="ProgramStartException">There is none of that name.</exception>
    public static string Locate(string program)
    {
        if (program.Contains('/', StringComparison.Ordinal))
        {
            return Path.GetFullPath(program);
        }

        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(
            ':',
            StringSplitOptions.RemoveEmptyEntries
        );
        // As a shell does: one that cannot be executed is passed over, and told when there is no other.
        var found = folders.Select(folder => Path.Combine(folder, program)).Where(File.Exists).ToList();
        return found.Find(file => (File.GetUnixFileMode(file) & Executable) != UnixFileMode.None)
            ?? found.FirstOrDefault()
            ?? throw new ProgramStartException(
                $"there is no program {program} in PATH",
                ProgramStartException.IsNotFound
            );
    }

    private async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }
}
