using System.Runtime.InteropServices;
using Mayfly.Agent.Configuration;
using Mayfly.Agent.Logging;
using Mayfly.Hosting.Logging;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Kubernetes;

/// <summary><c>mayfly injector</c>, from options to its end.</summary>
internal static class InjectorProgram
{
    /// <summary>How long reviews that are under way may take when it stops.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);

    /// <summary>Runs an injector in this process until a signal stops it.</summary>
    /// <param name="options">How.</param>
    /// <param name="environment">Looks up a variable; null when it is not set.</param>
    /// <param name="cancellation">Stops it, as SIGTERM does.</param>
    /// <exception cref="AgentException">The options, the certificate or the address cannot be used.</exception>
    public static async Task RunAsync(
        InjectorOptions options,
        Func<string, string?> environment,
        CancellationToken cancellation
    )
    {
        var level =
            LogSettings.ParseLevel(options.LogLevel)
            ?? throw new AgentException("-log-level must be trace, debug, info, warn or error");
        var format =
            LogSettings.ParseFormat(options.LogFormat)
            ?? throw new AgentException("-log-format must be standard or json");
        using var output = new LogOutput(new LogStanza(), options.Time);
        using var provider = new LineLoggerProvider(output.Write, new LogSettings(level, format), options.Time);
        using var logs = new LoggerFactory([provider], new LoggerFilterOptions { MinLevel = LogLevel.Trace });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        try
        {
            await using var injector = await Injector.StartAsync(options, logs, environment, stop.Token);
            logs.CreateLogger("injector").LogInformation("Listening at {Address}", injector.Address);
            await Task.Delay(Timeout.InfiniteTimeSpan, stop.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            using var grace = new CancellationTokenSource(Grace);
            await injector.StopAsync(grace.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Ended while it waited for its certificate.
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }
}
