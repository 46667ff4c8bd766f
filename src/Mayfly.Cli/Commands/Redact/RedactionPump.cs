using Mayfly.Client.Redaction;
using Mayfly.Scanner.Masking;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Cli.Commands.Redact;

/// <summary>
/// Passes a stream on without secrets as it comes. Known values first: the beginning of one waits for what decides it, however long
/// that takes. Then rules, to which a line waits for its end, but no longer than a silence.
/// </summary>
/// <param name="input">Read to its end.</param>
/// <param name="output">Flushed whenever something was read. Stays open.</param>
/// <param name="redactor">Knows the values.</param>
/// <param name="scanner">Has the rules; null for none.</param>
/// <param name="delay">After so long a silence a line without an end is written...</param>
internal sealed class RedactionPump(
    Stream input,
    Stream output,
    Redactor redactor,
    SecretScanner? scanner,
    TimeSpan delay
)
{
    /// <summary>...and after so many times that also what may be the beginning of a token.</summary>
    private const int Patience = 20;

    /// <summary>When the program has ended, others that it has left behind may keep its output open. So long they may be silent.</summary>
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(2);

    private readonly byte[] _buffer = new byte[MaskingStream.LongestLine];

    /// <param name="ended">Ends when nothing more is to be expected soon.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="IOException">The output takes no more.</exception>
    public async Task RunAsync(Task ended, CancellationToken cancellation)
    {
        using var rules = scanner is null ? null : new MaskingStream(output, scanner, Redactor.Mask);
        await using var known = new RedactingStream(rules ?? output, redactor, leaveOpen: true);
        while (true)
        {
            var reading = input.ReadAsync(_buffer, cancellation).AsTask();
            await WaitAsync(reading, rules, cancellation);
            if (!await IsComingAsync(reading, ended, cancellation) || await reading is not (> 0 and var read))
            {
                return;
            }

            known.Write(_buffer.AsSpan(0, read));
            known.Flush();
        }
    }

    private async Task WaitAsync(Task reading, MaskingStream? rules, CancellationToken cancellation)
    {
        if (rules is { Held: > 0 } && !await IsDoneAsync(reading, delay, cancellation))
        {
            rules.Release(all: false);
            if (rules.Held > 0 && !await IsDoneAsync(reading, delay * Patience, cancellation))
            {
                rules.Release(all: true);
            }
        }
    }

    private static async Task<bool> IsComingAsync(Task reading, Task ended, CancellationToken cancellation)
    {
        await Task.WhenAny(reading, ended);
        return reading.IsCompleted || await IsDoneAsync(reading, Aftermath, cancellation);
    }

    private static async Task<bool> IsDoneAsync(Task task, TimeSpan limit, CancellationToken cancellation)
    {
        if (task.IsCompleted)
        {
            return true;
        }

        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var first = await Task.WhenAny(task, Task.Delay(limit, TimeProvider.System, timer.Token));
        await timer.CancelAsync();
        return first == task;
    }
}
