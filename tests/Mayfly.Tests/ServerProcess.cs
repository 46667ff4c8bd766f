namespace Mayfly.Tests;

/// <summary>A real mayflyd from the build output, on a port of its own, in a folder of its own.</summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly HeardProcess _process;
    private readonly bool _ownsFolder;

    private ServerProcess(string folder, bool ownsFolder, string[] arguments, TaskCompletionSource ready)
    {
        DataFolder = folder;
        _ownsFolder = ownsFolder;
        _process = HeardProcess.Start(
            Program("mayflyd"),
            arguments,
            [],
            folder,
            line => Hear(line, ready),
            () => ready.TrySetException(new InvalidOperationException("mayflyd stopped"))
        );
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
    public string Output => _process.Output;

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

    /// <summary>A development server at a port and with data of its own, which can come back there after it was stopped.</summary>
    public static Task<ServerProcess> StartDevAtAsync(int port, string folder) =>
        StartAsync(
            folder,
            "-dev",
            $"-dev-listen-address=127.0.0.1:{port}",
            $"-dev-root-token-id={DevToken}",
            "-dev-no-store-token",
            $"-dev-data={Path.Combine(folder, "data")}"
        );

    /// <summary>A client of the API below <c>/v1/</c>, as root.</summary>
    public HttpClient NewClient()
    {
        var http = new HttpClient { BaseAddress = new Uri(Address + "/v1/") };
        http.DefaultRequestHeaders.Add("X-Vault-Token", DevToken);
        return http;
    }

    /// <summary>A server with flags of its own. Waits until it says where it listens.</summary>
    public static async Task<ServerProcess> StartAsync(string? dataFolder, params string[] arguments)
    {
        var folder = dataFolder ?? Directory.CreateTempSubdirectory("mayfly-server-").FullName;
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var server = new ServerProcess(folder, ownsFolder: dataFolder is null, arguments, ready);
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
    public Task<int> StopAsync()
    {
        if (!_process.HasExited)
        {
            _process.Signal(HeardProcess.Terminate);
        }

        return _process.EndedAsync();
    }

    /// <summary>SIGKILL, as a crash.</summary>
    public Task CrashAsync() => _process.CrashAsync();

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        if (_ownsFolder)
        {
            Directory.Delete(DataFolder, recursive: true);
        }
    }

    private void Hear(string line, TaskCompletionSource ready)
    {
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
}
