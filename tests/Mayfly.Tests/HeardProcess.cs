using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Mayfly.Tests;

/// <summary>
/// A program in a process of its own, whose output is kept. Mayfly's and Vault's variables of the tests' own environment are none of
/// its. Safe for concurrent use.
/// </summary>
internal sealed class HeardProcess : IAsyncDisposable
{
    public const int Terminate = 15;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private HeardProcess(ProcessStartInfo start) =>
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>What it was started with.</summary>
    public IDictionary<string, string?> Environment => _process.StartInfo.Environment;

    /// <summary>What it has written so far, to both streams.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Starts it.</summary>
    /// <param name="program">A path, or a name to look for.</param>
    /// <param name="arguments">What it is given.</param>
    /// <param name="environment">Variables beside those of the tests' environment.</param>
    /// <param name="folder">Where it runs; empty for where the tests do.</param>
    /// <param name="hear">Is told each line, or null.</param>
    /// <param name="exited">Is called when it has ended, or null.</param>
    public static HeardProcess Start(
        string program,
        IEnumerable<string> arguments,
        IEnumerable<(string Name, string Value)> environment,
        string folder = "",
        Action<string>? hear = null,
        Action? exited = null
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        foreach (var name in start.Environment.Keys.Where(IsOurs).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var heard = new HeardProcess(start);
        var process = heard._process;
        process.OutputDataReceived += (_, line) => heard.Hear(line.Data, hear);
        process.ErrorDataReceived += (_, line) => heard.Hear(line.Data, hear);
        process.Exited += (_, _) => exited?.Invoke();
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return heard;
    }

    public void Signal(int signal) => Signal(_process.Id, signal);

    /// <summary>Sends a signal to any process.</summary>
    public static void Signal(int process, int signal) => _ = Kill(process, signal);

    /// <summary>The exit code, once it has ended by itself, with all of its output heard.</summary>
    public async Task<int> EndedAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        return _process.ExitCode;
    }

    /// <summary>SIGKILL, to it alone.</summary>
    public async Task CrashAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
    }

    /// <summary>Ends it, and with it what it has started.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
        }

        _process.Dispose();
    }

    private void Hear(string? line, Action<string>? hear)
    {
        if (line is null)
        {
            return;
        }

        lock (_output)
        {
            _output.Append(line).Append('\n');
        }

        hear?.Invoke(line);
    }

    private static bool IsOurs(string variable) =>
        variable.StartsWith("MAYFLY_", StringComparison.Ordinal)
        || variable.StartsWith("VAULT_", StringComparison.Ordinal);

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
