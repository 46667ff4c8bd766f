namespace Mayfly.Tests.Agent;

/// <summary><c>mayfly</c> in a process of its own: for signals, exit codes, and what programs that it starts see.</summary>
internal sealed class AgentProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly HeardProcess _process;

    private AgentProcess(HeardProcess process) => _process = process;

    public int Id => _process.Id;

    /// <summary>Both streams.</summary>
    public string Output => _process.Output;

    public static AgentProcess Start(
        IEnumerable<string> arguments,
        params IEnumerable<(string Name, string Value)> environment
    ) => StartProgram(ServerProcess.Program("mayfly"), arguments, environment);

    /// <summary>Another program, such as one that starts <c>mayfly</c> somewhere else.</summary>
    public static AgentProcess StartProgram(
        string program,
        IEnumerable<string> arguments,
        params IEnumerable<(string Name, string Value)> environment
    ) => new(HeardProcess.Start(program, arguments, environment));

    public void Signal(int signal) => _process.Signal(signal);

    /// <summary>The exit code, once it has ended by itself.</summary>
    public Task<int> EndedAsync() => _process.EndedAsync();

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

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
