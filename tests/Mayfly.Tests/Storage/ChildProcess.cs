using System.Diagnostics;

namespace Mayfly.Tests.Storage;

/// <summary>A run of the test's companion program, which can be killed or traced.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    public static string Executable => Path.Combine(AppContext.BaseDirectory, "Mayfly.TestChild");

    public StreamReader Output => _process.StandardOutput;

    public static ChildProcess Start(params string[] arguments) => Run(Executable, arguments);

    /// <summary>Starts a program; null where the machine does not have it.</summary>
    public static ChildProcess? TryRun(string program, params string[] arguments)
    {
        try
        {
            return Run(program, arguments);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    public void Kill() => _process.Kill(entireProcessTree: true);

    public async Task<int> ExitAsync(CancellationToken cancellation)
    {
        await _process.WaitForExitAsync(cancellation);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }

    private static ChildProcess Run(string program, string[] arguments) =>
        new(
            Process.Start(
                new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, UseShellExecute = false }
            )!
        );
}
