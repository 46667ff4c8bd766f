using System.Globalization;
using System.Text;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Scanner.Decoding;

/// <summary>
/// Finds secrets in what a text has encoded: each line with something encoded is looked at again with what that means in its
/// place, and so on. What is found stands where the encoded text does, and its tags say how it is encoded, as gitleaks has it.
/// </summary>
internal static class DecodedScan
{
    private const string DepthTag = "decode-depth:";

    /// <summary>So much of the line before and after what is encoded is looked at with it, such as the name of a variable.</summary>
    private const int Around = 512;

    /// <param name="scan">Finds what stands in a fragment as it is.</param>
    /// <param name="fragment">The text.</param>
    /// <param name="depth">How many encodings around each other are taken off.</param>
    public static List<Finding> Find(Func<Fragment, IReadOnlyList<Finding>> scan, Fragment fragment, int depth)
    {
        var found = new List<Finding>();
        var text = fragment.Bytes.Span;
        var runs = depth > 0 ? EncodedRuns.In(text) : [];
        var (line, counted) = (fragment.FirstLine, 0);
        for (var i = 0; i < runs.Count; )
        {
            var (from, to) = Surroundings(text, runs[i]);
            line += text[counted..from].Count((byte)'\n');
            counted = from;
            var decoded = new DecodedPart(line);
            var at = from;
            for (; i < runs.Count && runs[i].From < to; i++)
            {
                decoded.Add(text[at..runs[i].From], runs[i]);
                at = runs[i].To;
                to = Math.Max(to, Surroundings(text, runs[i]).To);
            }

            decoded.Add(text[at..to]);
            var part = new Fragment(decoded.Bytes, fragment.Path, line)
            {
                Commit = fragment.Commit,
                SymlinkFile = fragment.SymlinkFile,
            };
            foreach (var finding in scan(part).Concat(Find(scan, part, depth - 1)))
            {
                if (decoded.Original(finding) is var (start, end, encodings))
                {
                    found.Add(Placed(finding, fragment, start, end, encodings));
                }
            }
        }

        return found;
    }

    /// <summary>The line, or what of a long one is near.</summary>
    private static (int From, int To) Surroundings(ReadOnlySpan<byte> text, EncodedRun run)
    {
        var before = text[Math.Max(0, run.From - Around)..run.From];
        var after = text[run.To..Math.Min(text.Length, run.To + Around)];
        var end = after.IndexOf((byte)'\n');
        return (run.From - before.Length + before.LastIndexOf((byte)'\n') + 1, run.To + (end < 0 ? after.Length : end));
    }

    private static Finding Placed(Finding finding, Fragment fragment, int start, int end, IEnumerable<string> encodings)
    {
        var inner = finding.Tags.FirstOrDefault(tag => tag.StartsWith(DepthTag, StringComparison.Ordinal));
        var depth = inner is null ? 1 : 1 + int.Parse(inner[DepthTag.Length..], CultureInfo.InvariantCulture);
        var (firstLine, firstColumn) = PlaceOf(fragment, start);
        var (lastLine, lastColumn) = PlaceOf(fragment, end - 1);
        return finding with
        {
            StartLine = firstLine,
            StartColumn = firstColumn,
            EndLine = lastLine,
            EndColumn = lastColumn,
            Tags =
            [
                .. finding.Tags.Where(tag => tag != inner),
                .. encodings.Select(encoding => $"decoded:{encoding}").Except(finding.Tags),
                $"{DepthTag}{depth}",
            ],
        };
    }

    private static (int Line, int Column) PlaceOf(Fragment fragment, int place)
    {
        var before = fragment.Bytes.Span[..place];
        var start = before.LastIndexOf((byte)'\n') + 1;
        var column = 1 + Encoding.UTF8.GetCharCount(before[start..]);
        return (fragment.FirstLine + before.Count((byte)'\n'), start == 0 ? column + fragment.FirstColumn - 1 : column);
    }
}
