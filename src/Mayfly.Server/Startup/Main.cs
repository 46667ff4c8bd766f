using System.Net;
using System.Runtime.InteropServices;
using Mayfly.Hosting.Files;
using Mayfly.Hosting.Logging;
using Mayfly.Server.Configuration;
using Mayfly.Server.Http;
using Mayfly.Server.Logging;
using Microsoft.Extensions.Logging;

namespace Mayfly.Server.Startup;

/// <summary>From arguments to exit code.</summary>
internal static class Main
{
    /// <summary>Stopped as asked.</summary>
    public const int Stopped = 0;

    /// <summary>Flags or configuration are wrong.</summary>
    public const int Misused = 1;

    /// <summary>The store, a certificate or an address cannot be used.</summary>
    public const int CannotStart = 2;

    public static async Task<int> RunAsync(string[] arguments)
    {
        var (line, problem) = CommandLine.Parse(arguments, Environment.GetEnvironmentVariable);
        if (line is null)
        {
            return Fail(problem!, Misused);
        }

        if (line.ShowVersion || line.ShowHelp)
        {
            Console.Out.Write(line.ShowHelp ? CommandLine.Usage : $"Mayfly v{Versions.Own} ({Versions.InReplies})\n");
            return Stopped;
        }

        Hardening.Apply();
        var (configuration, problems) = Settings.From(line);
        if (configuration is null)
        {
            foreach (var each in problems)
            {
                _ = Fail(each, Misused);
            }

            return Misused;
        }

        try
        {
            return await ServeAsync(line, configuration);
        }
        catch (StartupException e)
        {
            return Fail(e.Message, CannotStart);
        }
    }

    private static async Task<int> ServeAsync(CommandLine line, ServerConfiguration configuration)
    {
        foreach (var warning in configuration.Warnings)
        {
            await Console.Error.WriteLineAsync($"mayflyd: {warning}");
        }

        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);

        var settings = new LogSettings(configuration.LogLevel, configuration.LogFormat);
        using var output = Console.OpenStandardError();
        using var provider = new LineLoggerProvider(new LogStream(output).Write, settings, TimeProvider.System);
        using var logs = LoggerFactory.Create(builder => builder.SetMinimumLevel(LogLevel.Trace).AddProvider(provider));

        DevKeys? keys = null;
        var folder = configuration.Storage!.Folder;
        await using var server = await ServerProcess.StartAsync(
            configuration,
            logs,
            TimeProvider.System,
            async vault =>
            {
                if (line.Dev)
                {
                    keys = await new DevMode(vault, folder).OpenAsync(line.RootToken, !line.NoKv, stop.Token);
                }
            },
            stop.Token
        );
        using var reload = PosixSignalRegistration.Create(
            PosixSignal.SIGHUP,
            signal =>
            {
                signal.Cancel = true;
                _ = Task.Run(() => ReloadAsync(line, settings, server, logs), CancellationToken.None);
            }
        );
        using var pid = WritePid(configuration.PidFile);
        if (keys is not null && line.StoreToken)
        {
            var problem = DevTokenFile.Write(Environment.GetEnvironmentVariable("HOME"), keys.RootToken);
            if (problem is not null)
            {
                await Console.Error.WriteLineAsync($"mayflyd: {problem}");
            }
        }

        await Console.Out.WriteAsync(
            keys is null
                ? $"==> Mayfly {Versions.Own}\n==> Listening at {string.Join(", ", server.Addresses)}\n{Banner.Started}\n"
                : Banner.Text(server.Addresses[0], keys, folder)
        );
        await Console.Out.FlushAsync();
        var log = logs.CreateLogger("server");
        log.LogInformation("Listening at {Addresses}", string.Join(", ", server.Addresses));

        await Task.Delay(Timeout.InfiniteTimeSpan, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        log.LogInformation("Stopping");
        return Stopped;

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }

    /// <summary>SIGHUP: the log level, certificates and audit files; everything else needs a restart.</summary>
    private static async Task ReloadAsync(
        CommandLine line,
        LogSettings settings,
        ServerProcess server,
        ILoggerFactory logs
    )
    {
        try
        {
            var (configuration, problems) = Settings.From(line);
            foreach (var problem in problems)
            {
                logs.CreateLogger("server").LogError("The configuration is kept as it was: {Problem}", problem);
            }

            settings.Level = configuration?.LogLevel ?? settings.Level;
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            await server.ReloadAsync(limit.Token);
        }
        catch (Exception e)
        {
            logs.CreateLogger("server").LogError(e, "Reloading failed");
        }
    }

    private static PidFile? WritePid(string path)
    {
        try
        {
            return PidFile.Write(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"cannot write the pid_file {path}: {e.Message}", e);
        }
    }

    private static int Fail(string problem, int code)
    {
        Console.Error.WriteLine($"mayflyd: {problem}");
        return code;
    }
}
