using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Scanner.Sources;

/// <summary>One stream of text, such as standard input: a log, a stack trace.</summary>
/// <param name="stream">Read to its end, once; need not be able to go back.</param>
/// <param name="name">What findings call it; may be "".</param>
public sealed class StreamSource(Stream stream, string name) : IScanSource
{
    /// <inheritdoc />
    public ScanResult Scan(SecretScanner scanner, CancellationToken cancellation)
    {
        var tally = new ScanTally();
        tally.CountFile();
        try
        {
            tally.Add(0, Read(scanner, new FragmentCutter(), stream, new Fragment(default, name), tally, cancellation));
        }
        catch (IOException e)
        {
            tally.Fail($"{(name.Length > 0 ? name : "standard input")}: {e.Message}");
        }

        return tally.Result();
    }

    /// <summary>What is found in a text, each thing once.</summary>
    internal static List<Finding> Read(
        SecretScanner scanner,
        FragmentCutter cutter,
        Stream text,
        Fragment model,
        ScanTally tally,
        CancellationToken cancellation
    )
    {
        var findings = new List<Finding>();
        foreach (var fragment in cutter.Cut(text, model))
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

        return findings;
    }

    private static bool IsSamePlace(Finding one, Finding other) =>
        one.StartLine == other.StartLine && one.StartColumn == other.StartColumn && one.RuleId == other.RuleId;
}
