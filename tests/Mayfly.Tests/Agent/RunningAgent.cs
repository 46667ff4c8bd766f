using System.Text;
using Mayfly.Agent;
using Mayfly.Agent.Configuration;
using Mayfly.Hosting.Logging;
using Microsoft.Extensions.Logging;

namespace Mayfly.Tests.Agent;

/// <summary>An agent in this process, from the text of its configuration, with its log at hand.</summary>
internal sealed class RunningAgent : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly StringBuilder _log = new();
    private readonly LoggerFactory _logs;

    private RunningAgent(TimeProvider time) =>
        _logs = new LoggerFactory(
            [new LineLoggerProvider(Hear, new LogSettings(LogLevel.Debug, LogFormat.Standard), time)],
            new LoggerFilterOptions { MinLevel = LogLevel.Trace }
        );

    public AgentHost Host { get; private set; } = null!;

    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    /// <summary>The first listener's address.</summary>
    public string Address => Host.Addresses[0];

    public static async Task<RunningAgent> StartAsync(
        string configuration,
        TimeProvider? time = null,
        Func<string, string?>? environment = null
    )
    {
        var notes = new ConfigurationNotes();
        var read = ConfigurationFiles.Apply(new AgentConfiguration(), "agent.hcl", configuration, notes);
        Assert.Empty(notes.Problems);
        var agent = new RunningAgent(time ?? TimeProvider.System);
        agent.Host = await AgentHost.StartAsync(
            read,
            environment ?? (static _ => null),
            agent._logs,
            time ?? TimeProvider.System,
            TestContext.Current.CancellationToken
        );
        return agent;
    }

    public Task<int> EndedAsync() => Host.Ended.WaitAsync(Patience, TestContext.Current.CancellationToken);

    /// <summary>Waits until the log says so.</summary>
    public Task SaysAsync(string text, int times = 1) =>
        UntilAsync(() => Log.Split(text).Length > times, $"the log does not say \"{text}\" {times} times");

    /// <summary>Waits until something is so; tells the log when it does not become so.</summary>
    public async Task UntilAsync(Func<bool> isSo, string otherwise)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        while (!isSo())
        {
            if (limit.IsCancellationRequested)
            {
                Assert.Fail($"{otherwise}\n{Log}");
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        _logs.Dispose();
    }

    private void Hear(byte[] line)
    {
        lock (_log)
        {
            _log.Append(Encoding.UTF8.GetString(line));
        }
    }
}
