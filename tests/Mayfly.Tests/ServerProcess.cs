using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Mayfly.Tests;

/// <summary>A real mayflyd from the build output, on a port of its own, in a folder of its own.</summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private const int Terminate = 15;

    private readonly Process _process;
    private readonly StringBuilder _output;
    private readonly bool _ownsFolder;

    private ServerProcess(Process process, StringBuilder output, string folder, bool ownsFolder)
    {
        _process = process;
        _output = output;
        DataFolder = folder;
        _ownsFolder = ownsFolder;
    }

    /// <summary>The root token that <see cref="StartDevAsync"/> asks for.</summary>
    public const string DevToken = "root-of-the-test";

    /// <summary>Where it listens: <c>http://127.0.0.1:PORT</c>.</summary>
    public string Address { get; private set; } = "";

    /// <summary>The token of the banner; empty when there was no banner.</summary>
    public string RootToken { get; private set; } = "";

    /// <summary>The unseal key of the banner; empty when there was no banner.</summary>
    public string UnsealKey { get; private set; } = "";

    /// <summary>What it keeps its data in.</summary>
    public string DataFolder { get; }

    public int Id => _process.Id;

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

    /// <summary>Beside the test assembly, where the build puts both programs.</summary>
    public static string Program(string name) => Path.Combine(AppContext.BaseDirectory, name);

    /// <summary>A development server with the token <see cref="DevToken"/>; in memory unless <paramref name="dataFolder"/> is given.</summary>
    public static Task<ServerProcess> StartDevAsync(string? dataFolder = null, params string[] more) =>
        StartAsync(
            dataFolder,
            [
                "-dev",
                "-dev-listen-address=127.0.0.1:0",
                $"-dev-root-token-id={DevToken}",
                "-dev-no-store-token",
                .. dataFolder is null ? Array.Empty<string>() : [$"-dev-data={dataFolder}"],
                .. more,
            ]
        );

    /// <summary>A server with flags of its own. Waits until it says where it listens.</summary>
    public static async Task<ServerProcess> StartAsync(string? dataFolder, params string[] arguments)
    {
        var folder = dataFolder ?? Directory.CreateTempSubdirectory("mayfly-server-").FullName;
        var start = new ProcessStartInfo(Program("mayflyd"))
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var name in start.Environment.Keys.Where(IsOurs).ToList())
        {
            start.Environment.Remove(name);
        }

        var output = new StringBuilder();
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        var server = new ServerProcess(process, output, folder, ownsFolder: dataFolder is null);
        process.OutputDataReceived += (_, line) => server.Hear(line.Data, ready);
        process.ErrorDataReceived += (_, line) => server.Hear(line.Data, ready);
        process.Exited += (_, _) => ready.TrySetException(new InvalidOperationException("mayflyd stopped"));
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await ready.Task.WaitAsync(Patience, TestContext.Current.CancellationToken);
        }
        catch (Exception failure)
        {
            await server.DisposeAsync();
            throw new InvalidOperationException($"mayflyd did not start: {server.Output}", failure);
        }

        return server;
    }

    /// <summary>SIGTERM, as an operator stops it. Returns the exit code.</summary>
    public async Task<int> StopAsync()
    {
        if (!_process.HasExited)
        {
            _ = Kill(_process.Id, Terminate);
        }

        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        return _process.ExitCode;
    }

    /// <summary>SIGKILL, as a crash.</summary>
    public async Task CrashAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await CrashAsync();
        }

        _process.Dispose();
        if (_ownsFolder)
        {
            Directory.Delete(DataFolder, recursive: true);
        }
    }

    private void Hear(string? line, TaskCompletionSource ready)
    {
        if (line is null)
        {
            return;
        }

        lock (_output)
        {
            _output.AppendLine(line);
        }

        var text = line.Trim();
        UnsealKey = After(text, "Unseal Key: ") ?? UnsealKey;
        RootToken = After(text, "Root Token: ") ?? RootToken;
        if (text.Contains("istening at ", StringComparison.Ordinal) && Address.Length == 0)
        {
            Address = text[(text.IndexOf("istening at ", StringComparison.Ordinal) + 12)..].Split(',')[0];
        }

        if (
            text.Contains("Server started", StringComparison.Ordinal)
            || text.StartsWith("==> Mayfly", StringComparison.Ordinal) && Address.Length > 0
        )
        {
            ready.TrySetResult();
        }
    }

    private static string? After(string line, string prefix) =>
        line.StartsWith(prefix, StringComparison.Ordinal) ? line[prefix.Length..] : null;

    private static bool IsOurs(string variable) =>
        variable.StartsWith("MAYFLY_", StringComparison.Ordinal)
        || variable.StartsWith("VAULT_", StringComparison.Ordinal);

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
