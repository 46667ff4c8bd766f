using System.Runtime.InteropServices;
using Mayfly.Cli.Commands.Scan;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Client.Redaction;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Cli.Commands.Redact;

internal sealed class RedactCommand() : Command("redact", "Mask secrets in a stream, such as the log of a CI job")
{
    /// <summary>Exit code when it could not begin, as distinct from those of the program that is run.</summary>
    private const int Failed = 2;

    private static readonly TimeSpan DefaultDelay = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan LongestDelay = TimeSpan.FromHours(1);

    private readonly ListFlag _variables = new(
        "env",
        "Mask the value of this environment variable. May be repeated, or several with commas.",
        splitAtCommas: true
    );

    private readonly ListFlag _files = new("secret-file", "Mask what this file holds. May be repeated.");

    private readonly ListFlag _values = new("values-file", "Mask each line of this file. May be repeated.");

    private readonly BoolFlag _noRules = new(
        "no-rules",
        "Mask only values that are known, not what looks like a secret."
    );

    private readonly DurationFlag _delay = new(
        "delay",
        "What has no end of line is written after so long a silence; 250ms if not given."
    );

    private readonly RuleFlags _rules = new();

    public override string Usage => "[options] [-- PROGRAM [ARGUMENTS]]";

    public override string Details =>
        """
            Passes standard input on to standard output with [redacted] in place of secrets: what the rules of "mayfly scan" find,
            and values that are given, also in base64, hexadecimal, and escaped for JSON, URLs and HTML, and also when they come
            in pieces. Everything else passes byte for byte. With a program, both of its output streams pass so, its exit code is
            this one's, and signals are passed on.
            $ make 2>&1 | mayfly redact -env=DB_PASSWORD,API_KEY
            $ mayfly redact -values-file=secrets.txt -- ./deploy.sh
            """;

    public override IReadOnlyList<Flag> Flags => [_variables, _files, _values, _noRules, _delay, .. _rules.All];

    public override bool UsesServer => false;

    public override int Most => int.MaxValue;

    public override int WrongUse => Failed;

    public override async Task<int> RunAsync(Invocation call)
    {
        var (registry, problem) = KnownValues.Read(call, _variables.Values, _files.Values, _values.Values);
        SecretScanner? scanner = null;
        if (problem is null && !_noRules.Value)
        {
            (var rules, _, problem) = ScanRules.Load(call, _rules, null);
            // A line of a log cannot say of itself that it holds no secret.
            scanner = rules is null ? null : new SecretScanner(rules, allowComments: false);
        }

        var delay = _delay.Span ?? DefaultDelay;
        problem ??= delay > LongestDelay || delay < TimeSpan.Zero ? "-delay goes from 0s to 1h" : null;
        if (problem is not null)
        {
            // Nothing was passed on: half a redaction would look like a whole one.
            call.Print.Error(problem);
            return Failed;
        }

        var redactor = new Redactor(registry!);
        if (call.Arguments.Count > 0)
        {
            return await RedactedProgram.RunAsync(
                call,
                (from, to) => new RedactionPump(from, to, redactor, scanner, delay)
            );
        }

        // The program before this one ends by the key that would end this one too, and its last words are still to come.
        using var interrupts = PosixSignalRegistration.Create(
            PosixSignal.SIGINT,
            static signal => signal.Cancel = true
        );
        await using var input = call.Session.Input();
        await using var output = call.Session.RawOut();
        try
        {
            var never = new TaskCompletionSource().Task;
            await new RedactionPump(input, output, redactor, scanner, delay).RunAsync(never, call.Cancellation);
            return Exit.Ok;
        }
        catch (IOException)
        {
            // Whoever reads has stopped, or what is read has failed.
            return Exit.Local;
        }
    }
}
