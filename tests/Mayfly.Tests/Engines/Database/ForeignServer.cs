using System.Diagnostics;
using System.Text;

namespace Mayfly.Tests.Engines.Database;

/// <summary>A server program of others, on a free port, with a folder of its own that is gone when the test is.</summary>
public abstract class ForeignServer : IAsyncDisposable
{
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly StringBuilder _output = new();
    private Process? _process;

    protected ForeignServer(string name)
    {
        Folder = Directory.CreateTempSubdirectory($"mayfly-{name}-").FullName;
        Port = FreePort.Choose();
    }

    public int Port { get; }

    protected string Folder { get; }

    /// <summary>What its programs have written.</summary>
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

    /// <summary>Starts it (again) on its data, and waits until it answers.</summary>
    public async Task RunAsync()
    {
        var (program, arguments) = Line();
        _process = Launch(program, arguments);
        using var limit = new CancellationTokenSource(Patience);
        while (!await AnswersAsync())
        {
            Assert.False(_process.HasExited, Output);
            await Task.Delay(20, limit.Token);
        }
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await KillAsync();
        }

        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    protected abstract (string Program, string[] Arguments) Line();

    protected abstract Task<bool> AnswersAsync();

    /// <summary>Runs a program to its end; whether it succeeded, and what it wrote.</summary>
    protected async Task<(bool Succeeded, string Output)> CallAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = Folder,
        };
        start.Environment["HOME"] = Folder;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Patience);
        return (process.ExitCode == 0, text + await errors);
    }

    private Process Launch(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = Folder,
        };
        var process = Process.Start(start)!;
        process.OutputDataReceived += Take;
        process.ErrorDataReceived += Take;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Take(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            _output.AppendLine(line.Data);
        }
    }
}
