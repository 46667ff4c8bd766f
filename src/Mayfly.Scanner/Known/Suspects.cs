using System.Text;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Matching;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Scanner.Known;

/// <summary>
/// Whether a text could be a secret that is known elsewhere. It may be wrong about a few that are not; it must not be about those
/// that are. Is called for every word of all that is scanned, from any thread.
/// </summary>
public delegate bool CandidateTest(ReadOnlySpan<byte> candidate);

/// <summary>
/// Collects, while a scan runs, the texts that pass a test, with the places where they stand; when it has ended, whoever knows
/// says which of them are secrets. Safe for concurrent use.
/// </summary>
/// <param name="test">The test.</param>
/// <param name="allowComments">A line may say itself that it is no leak.</param>
public sealed class Suspects(CandidateTest test, bool allowComments = true)
{
    /// <summary>The rule that findings name.</summary>
    public const string RuleId = "known-secret";

    /// <summary>Of a text that stands in more places, the others are not kept.</summary>
    private const int MostPlaces = 1000;

    private readonly Dictionary<string, (byte[] Text, List<Finding> Places)> _byText = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    /// <summary>What passed, each text once, with its places. Ask when the scan has ended.</summary>
    public IReadOnlyCollection<(byte[] Text, List<Finding> Places)> All => _byText.Values;

    /// <summary>Looks at a fragment.</summary>
    internal void Look(Fragment fragment) =>
        KnownCandidates.Visit(
            fragment.Bytes.Span,
            test,
            (text, from, length) => Add(fragment, text.ToArray(), from, length)
        );

    private void Add(Fragment fragment, byte[] text, int from, int length)
    {
        var key = Encoding.Latin1.GetString(text);
        lock (_gate)
        {
            if (_byText.TryGetValue(key, out var known) && known.Places.Count >= MostPlaces)
            {
                return;
            }
        }

        if (FindingAt(fragment, from, length) is not { } finding)
        {
            return;
        }

        lock (_gate)
        {
            if (!_byText.TryGetValue(key, out var known))
            {
                _byText[key] = known = (text, []);
            }

            // A text can be come by in several ways at one place: as a word, and between quotation marks.
            if (!known.Places.Exists(place => IsSame(place, finding)))
            {
                known.Places.Add(finding);
            }
        }
    }

    private static bool IsSame(Finding a, Finding b) =>
        a.StartLine == b.StartLine
        && a.StartColumn == b.StartColumn
        && a.File == b.File
        && ReferenceEquals(a.Commit, b.Commit);

    private Finding? FindingAt(Fragment fragment, int from, int length)
    {
        var bytes = fragment.Bytes.Span.Slice(from, length);
        var characters = new char[length];
        var match = new string(characters.AsSpan(0, SecretScanner.Decode(bytes, characters)));
        var place = new TextPlace(fragment, new FragmentLines(fragment), from, from + length, match);
        var (first, startColumn) = place.At(0);
        var (last, endColumn) = place.At(Math.Max(0, match.Length - 1));
        var line = place.Lines(0, match.Length);
        return allowComments && SecretScanner.AllowComment(line) is not null
            ? null
            : new Finding
            {
                RuleId = RuleId,
                Description = "A secret of the server",
                StartLine = first,
                EndLine = last,
                StartColumn = startColumn,
                EndColumn = endColumn,
                Line = line.Length <= SecretScanner.LongestLine ? line : match,
                Match = match,
                Secret = match,
                File = fragment.Path,
                SymlinkFile = fragment.SymlinkFile,
                Commit = fragment.Commit,
                Entropy = Entropy.Of(match),
                Tags = ["known"],
            };
    }
}
