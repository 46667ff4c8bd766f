using Mayfly.Agent.Configuration;
using Mayfly.Agent.Logging;
using Mayfly.Agent.Processes;
using Mayfly.Client.Redaction;
using Mayfly.Hosting.Logging;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent;

/// <summary><c>mayfly agent</c>, from arguments to exit code.</summary>
public static class AgentProgram
{
    /// <summary>Stopped as asked, or done.</summary>
    public const int Done = 0;

    /// <summary>The configuration is wrong, or the agent could not do what it asks for.</summary>
    public const int Failed = 1;

    /// <summary>Runs an agent in this process until a signal stops it or it has done its work.</summary>
    /// <param name="arguments">What was typed.</param>
    /// <param name="error">Where problems go that come before there is a log.</param>
    /// <param name="cancellation">Stops it, as SIGTERM does.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(AgentArguments arguments, TextWriter error, CancellationToken cancellation)
    {
        var (configuration, problems) = Read(arguments);
        if (configuration is null)
        {
            foreach (var problem in problems)
            {
                await error.WriteAsync($"mayfly agent: {problem}\n");
            }

            return Failed;
        }

        var time = TimeProvider.System;
        using var output = new LogOutput(configuration.Log, time);
        var settings = new LogSettings(
            configuration.Log.Level ?? LogLevel.Information,
            configuration.Log.Format ?? LogFormat.Standard
        );
        using var provider = new LineLoggerProvider(output.Write, settings, time, Redactor.Shared.Redact);
        using var logs = new LoggerFactory([provider], new LoggerFilterOptions { MinLevel = LogLevel.Trace });
        var log = logs.CreateLogger("agent");
        foreach (var warning in configuration.Warnings)
        {
            log.LogWarning("{Warning}", warning);
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            await using var host = await AgentHost.StartAsync(
                configuration,
                arguments.Environment,
                logs,
                time,
                stop.Token
            );
            using var signals = new SignalHandlers(
                number =>
                {
                    if (number is Signals.Interrupt or Signals.Terminate)
                    {
                        // What the terminal sends, it sends to the program, too.
                        host.StopBy(Signals.IsFromTerminal(number) ? 0 : number);
                        stop.Cancel();
                        return;
                    }

                    host.Signal(number);
                    if (number == Signals.HangUp)
                    {
                        Reload(arguments, settings, output, host, log);
                    }
                },
                all: configuration.Exec is not null
            );
            // Before the login: a server that is away must not make systemd end the agent, which waits for it.
            var systemd = arguments.Environment(SystemdNotice.Variable);
            SystemdNotice.Send(systemd, SystemdNotice.Ready);
            await Task.WhenAny(host.Ended, Task.Delay(Timeout.InfiniteTimeSpan, stop.Token));
            SystemdNotice.Send(systemd, SystemdNotice.Stopping);
            log.LogInformation("Stopping");
            return host.Ended.IsCompletedSuccessfully ? await host.Ended : await host.StopAsync();
        }
        catch (AgentException e)
        {
            log.LogError("{Problem}", e.Message);
            return Failed;
        }
    }

    private static (AgentConfiguration? Configuration, IReadOnlyList<string> Problems) Read(AgentArguments arguments)
    {
        var (configuration, problems) = AgentSettings.From(arguments.Configurations, arguments.Environment);
        return arguments.ExitAfterAuth is { } exit && configuration is not null
            ? (configuration with { ExitAfterAuth = exit }, problems)
            : (configuration, problems);
    }

    /// <summary>SIGHUP: the log level, the log file, certificates; everything else needs a restart.</summary>
    private static void Reload(
        AgentArguments arguments,
        LogSettings settings,
        LogOutput output,
        AgentHost host,
        ILogger log
    )
    {
        var (configuration, problems) = Read(arguments);
        foreach (var problem in problems)
        {
            log.LogError("The configuration is kept as it was: {Problem}", problem);
        }

        settings.Level = configuration?.Log.Level ?? settings.Level;
        output.Reopen();
        host.Reload();
        log.LogInformation("Reloaded");
    }
}

/// <summary>What <c>mayfly agent</c> was started with.</summary>
public sealed record AgentArguments
{
    /// <summary>Configuration files and folders, in order.</summary>
    public required IReadOnlyList<string> Configurations { get; init; }

    /// <summary>Overrides <c>exit_after_auth</c>; null leaves it.</summary>
    public bool? ExitAfterAuth { get; init; }

    /// <summary>Looks up an environment variable; flags stand before the process's own.</summary>
    public required Func<string, string?> Environment { get; init; }
}
