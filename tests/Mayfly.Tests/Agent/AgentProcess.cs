using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Mayfly.Tests.Agent;

/// <summary><c>mayfly</c> in a process of its own: for signals, exit codes, and what programs that it starts see.</summary>
internal sealed class AgentProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private AgentProcess(Process process) => _process = process;

    public int Id => _process.Id;

    /// <summary>Both streams.</summary>
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

    public static AgentProcess Start(
        IEnumerable<string> arguments,
        params IEnumerable<(string Name, string Value)> environment
    ) => StartProgram(ServerProcess.Program("mayfly"), arguments, environment);

    /// <summary>Another program, such as one that starts <c>mayfly</c> somewhere else.</summary>
    public static AgentProcess StartProgram(
        string program,
        IEnumerable<string> arguments,
        params IEnumerable<(string Name, string Value)> environment
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(IsOurs).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var process = new Process { StartInfo = start };
        var agent = new AgentProcess(process);
        process.OutputDataReceived += (_, line) => agent.Hear(line.Data);
        process.ErrorDataReceived += (_, line) => agent.Hear(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return agent;
    }

    public void Signal(int signal) => _ = Kill(_process.Id, signal);

    /// <summary>The exit code, once it has ended by itself.</summary>
    public async Task<int> EndedAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        return _process.ExitCode;
    }

    public async Task SaysAsync(string text, int times = 1) =>
        await UntilAsync(() => Output.Split(text).Length > times, $"\"{text}\" was not said {times} times");

    public async Task UntilAsync(Func<bool> isSo, string otherwise)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!isSo())
        {
            if (limit.IsCancellationRequested)
            {
                Assert.Fail($"{otherwise}\n{Output}");
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
        }

        _process.Dispose();
    }

    private void Hear(string? line)
    {
        if (line is not null)
        {
            lock (_output)
            {
                _output.Append(line).Append('\n');
            }
        }
    }

    private static bool IsOurs(string variable) =>
        variable.StartsWith("MAYFLY_", StringComparison.Ordinal)
        || variable.StartsWith("VAULT_", StringComparison.Ordinal);

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
