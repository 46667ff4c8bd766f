using Mayfly.Agent.Configuration;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Processes;

/// <summary>
/// Stands for the program of <c>exec</c>: starts it when its secrets are there, starts it anew when they have changed, passes
/// signals on, and ends with its exit code.
/// </summary>
internal sealed class Supervisor(
    ExecStanza settings,
    Func<ProgramSecrets> secrets,
    bool restartsForFiles,
    ILogger log,
    TimeProvider time
)
{
    // Several secrets that change together cause one restart.
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ChildProcess? _child;
    private int _stopSignal = Signals.Terminate;

    /// <summary>A secret has changed. Returns at once.</summary>
    public void SecretsChanged()
    {
        lock (_gate)
        {
            _changed.TrySetResult();
        }
    }

    /// <summary>Passes a signal on. False when the program does not run.</summary>
    public bool Signal(int signal)
    {
        lock (_gate)
        {
            return _child?.Signal(signal) ?? false;
        }
    }

    /// <summary>What the program is to be asked to end by, when the agent stops: the signal that the agent was given.</summary>
    public void StopBy(int signal) => Volatile.Write(ref _stopSignal, signal);

    /// <summary>Runs the program until it ends by itself, or <paramref name="stop"/> does.</summary>
    /// <param name="ready">Ends when the secrets are there.</param>
    /// <param name="stop">The agent stops: so does the program.</param>
    /// <returns>Its exit code; 0 when it was never started.</returns>
    /// <exception cref="AgentException">It cannot be started.</exception>
    public async Task<int> RunAsync(Task ready, CancellationToken stop)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stop.Register(() => stopped.TrySetResult());
        if (await Task.WhenAny(ready, stopped.Task) == stopped.Task)
        {
            return 0;
        }

        await ready;
        while (true)
        {
            var changed = Renew();
            var current = secrets();
            using var child = Start(current.Variables);
            current.Started();
            var ended = await WatchAsync(child, current.Variables, changed, stopped.Task);
            if (ended is { } code)
            {
                log.LogInformation("The program has ended with exit code {Code}", code);
                return code;
            }
        }
    }

    /// <summary>The exit code when it is over; null when the program is to be started anew.</summary>
    private async Task<int?> WatchAsync(
        ChildProcess child,
        IReadOnlyDictionary<string, string> current,
        Task changed,
        Task stopped
    )
    {
        while (true)
        {
            var first = await Task.WhenAny(child.Exited, changed, stopped);
            if (first == child.Exited)
            {
                return await child.Exited;
            }

            if (first == stopped)
            {
                return await EndAsync(child, Volatile.Read(ref _stopSignal));
            }

            await Task.WhenAny(Task.Delay(Settle, time), stopped);
            changed = Renew();
            if (!settings.RestartOnSecretChanges)
            {
                continue;
            }

            var now = secrets();
            if (!restartsForFiles && IsSame(current, now.Variables))
            {
                // It has them already.
                now.Started();
                continue;
            }

            log.LogInformation("Secrets have changed: starting the program anew");
            await EndAsync(child, Signals.Number(settings.RestartStopSignal) ?? Signals.Terminate);
            return stopped.IsCompleted ? await child.Exited : null;
        }
    }

    private async Task<int> EndAsync(ChildProcess child, int signal)
    {
        var began = time.GetTimestamp();
        var code = await child.StopAsync(signal, settings.StopTimeout, time);
        if (time.GetElapsedTime(began) >= settings.StopTimeout)
        {
            log.LogWarning("The program did not end within {Limit}, and was killed", settings.StopTimeout);
        }

        return code;
    }

    private ChildProcess Start(IReadOnlyDictionary<string, string> current)
    {
        ChildProcess child;
        lock (_gate)
        {
            // Under the lock: a signal that comes now waits for the program that it is for.
            child = _child = ChildProcess.Start(
                settings.Command,
                [
                    .. (settings.KeepsToken ? [] : IdentityVariables.InUse()).Select(name => new KeyValuePair<
                        string,
                        string?
                    >(name, null)),
                    .. current.Select(variable => new KeyValuePair<string, string?>(variable.Key, variable.Value)),
                ]
            );
        }

        log.LogInformation("Started {Program} as process {Process}", settings.Command[0], child.Id);
        return child;
    }

    private Task Renew()
    {
        lock (_gate)
        {
            if (_changed.Task.IsCompleted)
            {
                _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return _changed.Task;
        }
    }

    private static bool IsSame(IReadOnlyDictionary<string, string> one, IReadOnlyDictionary<string, string> other) =>
        one.Count == other.Count && one.All(pair => other.TryGetValue(pair.Key, out var value) && value == pair.Value);
}
