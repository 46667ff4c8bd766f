namespace Mayfly.Agent.Processes;

/// <summary>A program that stands in this one's place: it gets its signals, and its exit code is what this one ends with.</summary>
internal static class ForegroundProgram
{
    /// <summary>Runs a program to its end, and gives its exit code.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="variables">Set in its environment; null takes one away.</param>
    /// <param name="meanwhile">What is done with its output until it ends; null leaves the output this program's.</param>
    /// <exception cref="ProgramStartException">It cannot be started.</exception>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> command,
        IReadOnlyDictionary<string, string?> variables,
        Func<ChildProcess, Task>? meanwhile = null
    )
    {
        var gate = new Lock();
        ChildProcess? child = null;
        // Before the start: a signal between the two must not end this program alone, and leave what it would clean up.
        using var signals = new SignalHandlers(
            number =>
            {
                lock (gate)
                {
                    if (!Signals.IsFromTerminal(number))
                    {
                        child?.Signal(number);
                    }
                }
            },
            all: true
        );
        ChildProcess started;
        lock (gate)
        {
            started = child = ChildProcess.Start(command, variables, readsOutput: meanwhile is not null);
        }

        using (started)
        {
            if (meanwhile is not null)
            {
                await meanwhile(started);
            }

            return await started.Exited;
        }
    }
}
