using System.Diagnostics;
using System.Text;

namespace Mayfly.Tests.Server;

/// <summary>A <c>mayflyd</c> of its own process, as an operator starts it. Killed when the test ends.</summary>
internal sealed class ServerRun : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServerRun(Process process)
    {
        _process = process;
        process.OutputDataReceived += Take;
        process.ErrorDataReceived += Take;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    /// <summary>What it has printed so far, on both streams.</summary>
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

    public HttpClient Client { get; private set; } = null!;

    /// <summary>Starts it and waits until it listens.</summary>
    public static async Task<ServerRun> StartAsync(params string[] arguments)
    {
        var run = Start([], arguments);
        await run.ReadyAsync();
        return run;
    }

    /// <summary>Starts it with environment variables and waits until it listens.</summary>
    public static async Task<ServerRun> StartAsync((string Name, string Value)[] environment, params string[] arguments)
    {
        var run = Start(environment, arguments);
        await run.ReadyAsync();
        return run;
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int Code, string Output)> RunAsync(params string[] arguments)
    {
        await using var run = Start([], arguments);
        var code = await run.ExitAsync();
        return (code, run.Output);
    }

    /// <summary>The rest of the line that begins with <paramref name="label"/>.</summary>
    public string Line(string label) =>
        Output
            .Split('\n')
            .First(line => line.TrimStart().StartsWith(label, StringComparison.Ordinal))
            .Trim()[label.Length..]
            .Trim();

    public Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        string? token = null,
        string? body = null
    )
    {
        var request = new HttpRequestMessage(method, new Uri("/v1/" + path, UriKind.Relative));
        if (token is not null)
        {
            request.Headers.Add("X-Vault-Token", token);
        }

        request.Content = body is null ? null : new StringContent(body);
        return Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{Id}"]);
        kill.WaitForExit();
    }

    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Limit);
        return _process.ExitCode;
    }

    /// <summary>Waits until the output holds <paramref name="text"/>.</summary>
    public async Task OutputAsync(string text)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!Output.Contains(text, StringComparison.Ordinal))
        {
            await Task.Delay(20, limit.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        Client?.Dispose();
    }

    private static ServerRun Start((string Name, string Value)[] environment, string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "mayflyd"), arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (
            var name in start.Environment.Keys.Where(name => name.Contains("_DEV_", StringComparison.Ordinal)).ToList()
        )
        {
            start.Environment.Remove(name);
        }

        // A development server leaves its token at home.
        start.Environment.Remove("HOME");
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new ServerRun(Process.Start(start)!);
    }

    private async Task ReadyAsync()
    {
        var exit = _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        await Task.WhenAny(_ready.Task, exit).WaitAsync(Limit);
        Assert.True(_ready.Task.IsCompleted, Output);
        var url = Line("==> Listening at");
        Client = new HttpClient
        {
            BaseAddress = new Uri(url.Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal)),
        };
    }

    private void Take(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null)
        {
            return;
        }

        lock (_output)
        {
            _output.Append(line.Data).Append('\n');
        }

        if (line.Data.StartsWith("==> Server started", StringComparison.Ordinal))
        {
            _ready.TrySetResult();
        }
    }
}
