using Mayfly.Agent.Processes;
using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Redact;

/// <summary>A program whose output streams pass through redaction.</summary>
internal static class RedactedProgram
{
    /// <summary>Runs the program of the arguments to its end, and gives its exit code. Signals are passed on.</summary>
    /// <param name="call">The invocation.</param>
    /// <param name="pump">What stands between two streams.</param>
    public static async Task<int> RunAsync(Invocation call, Func<Stream, Stream, RedactionPump> pump)
    {
        var gate = new Lock();
        ChildProcess? child = null;
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
        try
        {
            lock (gate)
            {
                started = child = ChildProcess.Start(call.Arguments, [], readsOutput: true);
            }
        }
        catch (ProgramStartException e)
        {
            call.Print.Error($"mayfly redact: {e.Message}");
            return e.ExitCode;
        }

        using (started)
        {
            await Task.WhenAll(
                PassAsync(started.Output, call.Session.RawOut(), pump, started.Exited, call.Cancellation),
                PassAsync(started.Error, call.Session.RawError(), pump, started.Exited, call.Cancellation)
            );
            return await started.Exited;
        }
    }

    private static async Task PassAsync(
        Stream from,
        Stream to,
        Func<Stream, Stream, RedactionPump> pump,
        Task ended,
        CancellationToken cancellation
    )
    {
        await using (from)
        await using (to)
        {
            try
            {
                await pump(from, to).RunAsync(ended, cancellation);
            }
            catch (IOException)
            {
                // Nobody reads any more: closing the pipe tells the program so.
            }
        }
    }
}
