using Mayfly.Scanner.Archives;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Scanner.Sources;

/// <summary>One stream of text, such as standard input: a log, a stack trace.</summary>
/// <param name="stream">Read to its end, once; need not be able to go back.</param>
/// <param name="name">What findings call it; may be "".</param>
public sealed class StreamSource(Stream stream, string name) : IScanSource
{
    /// <summary>When it is an archive, so many inside of each other are opened; 0 for none.</summary>
    public int MaxArchiveDepth { get; init; }

    /// <summary>Is told how far the scan is.</summary>
    public ScanProgress Progress { get; init; } = new();

    /// <inheritdoc />
    public ScanResult Scan(SecretScanner scanner, CancellationToken cancellation)
    {
        var tally = new ScanTally(Progress);
        var model = new Fragment(default, name);
        var cutter = new FragmentCutter();
        try
        {
            var text = stream;
            if (MaxArchiveDepth > 0)
            {
                var head = new HeadStream(stream, TextEncoding.Sample);
                if (ArchiveFormats.Of(head.Head) != ArchiveFormat.None)
                {
                    new ContentScan(scanner, cutter, tally, 0, MaxArchiveDepth, mustOpen: true, cancellation).Scan(
                        head,
                        model,
                        null
                    );
                    return tally.Result();
                }

                text = head;
            }

            tally.CountFile();
            Read(scanner, cutter, text, model, tally, 0, cancellation);
        }
        catch (IOException e)
        {
            tally.Fail($"{(name.Length > 0 ? name : "standard input")}: {e.Message}");
        }

        return tally.Result();
    }

    /// <summary>Adds what is found in a text, each thing once, also when it cannot be read to its end.</summary>
    internal static void Read(
        SecretScanner scanner,
        FragmentCutter cutter,
        Stream text,
        Fragment model,
        ScanTally tally,
        long order,
        CancellationToken cancellation
    )
    {
        var findings = new List<Finding>();
        try
        {
            Read(scanner, cutter.Cut(text, model), findings, tally, cancellation);
        }
        finally
        {
            tally.Add(order, findings);
        }
    }

    private static void Read(
        SecretScanner scanner,
        IEnumerable<Fragment> fragments,
        List<Finding> findings,
        ScanTally tally,
        CancellationToken cancellation
    )
    {
        foreach (var fragment in fragments)
        {
            cancellation.ThrowIfCancellationRequested();
            tally.CountBytes(fragment.Bytes.Length);
            foreach (var finding in scanner.Scan(fragment))
            {
                // What stands where a long line was cut is found twice, and whole only once.
                var at = fragment.FirstColumn == 1 ? -1 : findings.FindLastIndex(other => IsSamePlace(other, finding));
                if (at < 0)
                {
                    findings.Add(finding);
                }
                else if (finding.Secret.Length > findings[at].Secret.Length)
                {
                    findings[at] = finding;
                }
            }
        }
    }

    private static bool IsSamePlace(Finding one, Finding other) =>
        one.StartLine == other.StartLine && one.StartColumn == other.StartColumn && one.RuleId == other.RuleId;
}
