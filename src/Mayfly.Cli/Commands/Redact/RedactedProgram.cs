using System.Collections.ObjectModel;
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
        try
        {
            return await ForegroundProgram.RunAsync(
                call.Arguments,
                ReadOnlyDictionary<string, string?>.Empty,
                program =>
                    Task.WhenAll(
                        PassAsync(program.Output, call.Session.RawOut(), pump, program.Exited, call.Cancellation),
                        PassAsync(program.Error, call.Session.RawError(), pump, program.Exited, call.Cancellation)
                    )
            );
        }
        catch (ProgramStartException e)
        {
            call.Print.Error($"mayfly redact: {e.Message}");
            return e.ExitCode;
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
