using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Unicode;
using Mayfly.Scanner.Decoding;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Known;
using Mayfly.Scanner.Matching;
using Mayfly.Scanner.Rules;

namespace Mayfly.Scanner.Scanning;

/// <summary>
/// Holds rules against fragments. One pass over the bytes finds the rules' keywords; only what is around one is decoded, as far
/// as a match of its rule can reach, and tried. That finds what trying the rules on all of the text would. Safe for
/// concurrent use.
/// </summary>
public sealed class SecretScanner
{
    /// <summary>Of longer lines (in characters), minified code for the most part, findings hold the match alone.</summary>
    internal const int LongestLine = 2000;

    /// <summary>So many times a text is looked at around a rule's keywords before its pattern is tried on all of it.</summary>
    private const int MostSteps = 4;

    /// <summary>Of longer patterns an explanation gives the beginning, in characters.</summary>
    private const int LongestReason = 80;

    /// <summary>Two findings of one secret end so near to each other: a quote, a sign, the longer one's rest.</summary>
    private const int NearColumns = 64;

    private static readonly string[] AllowComments = ["gitleaks:allow", "mayfly:allow"];

    private readonly RuleSet _set;
    private readonly KeywordFinder _finder;
    private readonly int[][] _rulesOfKeyword;
    private readonly Lazy<MatchReach>[] _reaches;
    private readonly int _longestKeyword;
    private readonly int[] _always;
    private readonly ScanRule[] _ofPaths;
    private readonly Dictionary<string, ScanRule> _rulesById;
    private readonly Dictionary<string, int> _ranks;
    private readonly bool _passesOverFiles;
    private readonly ConcurrentBag<KeywordPlaces> _spare = [];
    private readonly Action<Suppression>? _explain;
    private readonly bool _allowComments;

    /// <param name="set">The rules.</param>
    /// <param name="explain">Is told, from any thread, what was no finding after all, and why; null when nobody asks.</param>
    /// <param name="allowComments">A line may say itself that it is no leak: <c>gitleaks:allow</c>, <c>mayfly:allow</c>.</param>
    public SecretScanner(RuleSet set, Action<Suppression>? explain = null, bool allowComments = true)
    {
        _set = set;
        _explain = explain;
        _allowComments = allowComments;
        var keywords = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        for (var i = 0; i < set.Rules.Count; i++)
        {
            if (set.Rules[i].Regex is null)
            {
                continue;
            }

            foreach (var keyword in set.Rules[i].Keywords.Where(keyword => keyword.Length > 0))
            {
                keywords.TryAdd(keyword, []);
                keywords[keyword].Add(i);
            }
        }

        _longestKeyword = keywords.Keys.Select(Encoding.UTF8.GetByteCount).DefaultIfEmpty().Max();
        _reaches =
        [
            .. set.Rules.Select(rule => new Lazy<MatchReach>(() =>
                rule.Regex is null ? MatchReach.Unknown : MatchReach.Of(rule.Regex.Pattern, rule.Keywords)
            )),
        ];
        _finder = new KeywordFinder([.. keywords.Keys.Select(Encoding.UTF8.GetBytes)]);
        _rulesOfKeyword = [.. keywords.Values.Select(rules => rules.ToArray())];
        _always =
        [
            .. Enumerable
                .Range(0, set.Rules.Count)
                .Where(i =>
                    set.Rules[i] is { Regex: not null } rule && rule.Keywords.All(keyword => keyword.Length == 0)
                ),
        ];
        _ofPaths = [.. set.Rules.Where(rule => rule is { Regex: null, Path: not null, SkipReport: false })];
        _rulesById = set.Rules.ToDictionary(rule => rule.Id, StringComparer.Ordinal);
        _ranks = set.Rules.Index().ToDictionary(rule => rule.Item.Id, rule => rule.Index, StringComparer.Ordinal);
        _passesOverFiles = set.Allowlists.Any(allowlist =>
            allowlist is { All: false } and not { Paths: [], Commits: [] }
        );
    }

    /// <summary>Collects what could be a secret that is known elsewhere; null when nobody wants that.</summary>
    public Suspects? Suspects { get; init; }

    /// <summary>Whether the allowlists for all rules leave the whole file out.</summary>
    public bool PassesOver(string path, string commit = "")
    {
        if (!_passesOverFiles)
        {
            return false;
        }

        var candidate = new Candidate("", "", "", path, commit);
        foreach (var allowlist in _set.Allowlists)
        {
            if (allowlist is { All: false } && allowlist.AllowsFile(candidate) is { } reason)
            {
                _explain?.Invoke(new Suppression(path, 0, "", reason));
                return true;
            }
        }

        return false;
    }

    /// <summary>Findings of rules that look at paths alone: a file that should not be there.</summary>
    public IReadOnlyList<Finding> ScanPath(string path, CommitInfo? commit = null) =>
        _ofPaths.Length == 0 ? [] : [.. PathFindings(path, commit)];

    private IEnumerable<Finding> PathFindings(string path, CommitInfo? commit) =>
        _ofPaths
            .Where(rule => rule.Path!.IsMatch(path))
            .Select(rule => new Finding
            {
                RuleId = rule.Id,
                Description = rule.Description,
                Match = $"file detected: {path}",
                File = path,
                Commit = commit,
                Tags = rule.Tags,
            })
            .Where(finding => !IsAllowed(_rulesById[finding.RuleId], finding, finding.Line, comment: null));

    /// <summary>So many encodings around each other (base64, hexadecimal, percent) are taken off; 0 for none.</summary>
    public int DecodeDepth { get; init; }

    /// <summary>What the rules find in <paramref name="fragment"/>, in no promised order.</summary>
    public IReadOnlyList<Finding> Scan(Fragment fragment)
    {
        Suspects?.Look(fragment);
        var findings = ScanText(fragment);
        return DecodeDepth == 0
            ? findings
            :
            [
                .. findings,
                .. DecodedScan
                    .Find(ScanText, fragment, DecodeDepth)
                    .Where(decoded => !IsKnownEncoded(decoded, findings)),
            ];
    }

    /// <summary>Rules for what is encoded, as in a Kubernetes Secret, have reported it already.</summary>
    private bool IsKnownEncoded(Finding decoded, List<Finding> findings)
    {
        if (!_rulesById[decoded.RuleId].Generic)
        {
            return false;
        }

        var encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(decoded.Secret)).TrimEnd('=');
        var known = findings.Find(finding =>
            finding.StartLine <= decoded.EndLine
            && decoded.StartLine <= finding.EndLine
            && finding.Secret.StartsWith(encoded, StringComparison.Ordinal)
        );
        return known is not null && Suppress(decoded, $"the rule {known.RuleId} reports it as it is encoded");
    }

    private List<Finding> ScanText(Fragment fragment)
    {
        var places = _spare.TryTake(out var used) ? used : new KeywordPlaces(_set.Rules.Count);
        try
        {
            _finder.Find(fragment.Bytes.Span, places.Hits);
            return Scan(fragment, places);
        }
        finally
        {
            places.Clear();
            _spare.Add(places);
        }
    }

    private List<Finding> Scan(Fragment fragment, KeywordPlaces places)
    {
        foreach (var rule in _always)
        {
            places[rule].Add((0, fragment.Bytes.Length));
        }

        foreach (var (keyword, end) in places.Hits)
        {
            foreach (var number in _rulesOfKeyword[keyword])
            {
                AddWindow(ref places[number], number, fragment.Bytes.Span, end);
            }
        }

        List<Finding>? findings = null;
        List<Finding>? forged = null;
        FragmentLines? lines = null;
        foreach (var number in places.Rules)
        {
            var rule = _set.Rules[number];
            if (places[number].Windows is not { } windows || rule.Path?.IsMatch(fragment.Path) == false)
            {
                continue;
            }

            findings ??= [];
            forged ??= [];
            lines ??= new FragmentLines(fragment);
            foreach (var (from, to) in Merged(windows))
            {
                Match(rule, fragment, lines, from, to, findings, forged);
            }
        }

        return findings is { Count: > 0 } ? Reported(findings, forged ?? []) : [];
    }

    private void AddWindow(ref KeywordPlaces.Of places, int number, ReadOnlySpan<byte> text, int end)
    {
        if (places.Windows is [.., var last] && last.To >= text.Length)
        {
            // It holds whatever comes.
            return;
        }

        var reach = _reaches[number].Value;
        if (reach.IsAnywhere)
        {
            // The keyword says nothing about where a match is. One pass tells whether there can be any.
            if (!places.IsSearched)
            {
                places.IsSearched = true;
                if (reach.CanBeIn(text))
                {
                    places.Add((0, text.Length));
                }
            }
        }
        else if (places.Steps > MostSteps * (text.Length + 1024L))
        {
            // A text made for it: from here on a pass over all of it costs less than looking around every keyword.
            places.Add((0, text.Length));
        }
        else if (reach.CanMatch(text, end, ref places.Steps))
        {
            places.Add(Window(text, end, reach));
        }
    }

    /// <summary>
    /// The bytes around a keyword that every match with it lies in, with something to spare on both sides: so a match found
    /// in there does not owe itself to the window's ends, where a word or the text seems to end.
    /// </summary>
    private (int From, int To) Window(ReadOnlySpan<byte> text, int end, MatchReach reach)
    {
        var (from, to) = (0, text.Length);
        if (reach.Bytes is { } bytes)
        {
            from = Math.Max(from, end - _longestKeyword - bytes - 8);
            to = (int)Math.Min(to, (long)end + bytes + 8);
        }

        if (reach.LineEnds is { } lines)
        {
            var start = end - 1;
            for (var i = 0; i <= lines + 1 && start >= from; i++)
            {
                start = from + text[from..start].LastIndexOf((byte)'\n');
            }

            from = Math.Max(from, start + 1);
            var stop = end;
            for (var i = 0; i <= lines && stop < to; i++)
            {
                var next = text[stop..to].IndexOf((byte)'\n');
                stop = next < 0 ? to : stop + next + 1;
            }

            to = stop;
        }

        // Not in the middle of a character.
        while (from > 0 && from < text.Length && (text[from] & 0xC0) == 0x80)
        {
            from--;
        }

        while (to < text.Length && (text[to] & 0xC0) == 0x80)
        {
            to++;
        }

        return (from, to);
    }

    private static IEnumerable<(int From, int To)> Merged(List<(int From, int To)> places)
    {
        places.Sort();
        var (from, to) = places[0];
        foreach (var place in places)
        {
            if (place.From > to)
            {
                yield return (from, to);
                (from, to) = place;
            }

            to = Math.Max(to, place.To);
        }

        yield return (from, to);
    }

    private void Match(
        ScanRule rule,
        Fragment fragment,
        FragmentLines lines,
        int from,
        int to,
        List<Finding> findings,
        List<Finding> forged
    )
    {
        if (from == to)
        {
            return;
        }

        var bytes = fragment.Bytes.Span[from..to];
        var characters = ArrayPool<char>.Shared.Rent(bytes.Length);
        try
        {
            var length = Decode(bytes, characters);
            if (!rule.Regex!.IsMatch(characters.AsSpan(0, length)))
            {
                return;
            }

            var text = new string(characters, 0, length);
            var place = new TextPlace(fragment, lines, from, to, text);
            foreach (var match in rule.Regex.Matches(text))
            {
                Match(rule, fragment, match, place, findings, forged);
            }
        }
        finally
        {
            ArrayPool<char>.Shared.Return(characters);
        }
    }

    /// <summary>What is no UTF-8 is taken for Latin-1, in which any bytes mean something.</summary>
    internal static int Decode(ReadOnlySpan<byte> bytes, Span<char> characters) =>
        Utf8.ToUtf16(bytes, characters, out _, out var written, replaceInvalidSequences: false) == OperationStatus.Done
            ? written
            : Encoding.Latin1.GetChars(bytes, characters);

    private void Match(
        ScanRule rule,
        Fragment fragment,
        LinearMatch match,
        TextPlace place,
        List<Finding> findings,
        List<Finding> forged
    )
    {
        var whole = match.Value.TrimEnd('\n');
        if (SecretOf(rule, match) is not { Length: > 0 } secret)
        {
            return;
        }

        var (first, startColumn) = place.At(match.Index);
        var (last, endColumn) = place.At(Math.Max(match.Index, match.Index + whole.Length - 1));
        var line = place.Lines(match.Index, whole.Length);
        var finding = new Finding
        {
            RuleId = rule.Id,
            Description = rule.Description,
            StartLine = first,
            EndLine = last,
            StartColumn = startColumn,
            EndColumn = endColumn,
            Line = line.Length <= LongestLine ? line : whole,
            Match = whole,
            Secret = secret,
            File = fragment.Path,
            SymlinkFile = fragment.SymlinkFile,
            Commit = fragment.Commit,
            Entropy = Entropy.Of(secret),
            Tags = rule.Tags,
        };
        if (IsAllowed(rule, finding, line, place.AllowComment(match.Index, whole.Length)))
        {
            return;
        }

        if (rule.Checksum?.Holds(secret) == false)
        {
            Suppress(finding, $"its checksum ({rule.Checksum}) is wrong");
            forged.Add(finding);
            return;
        }

        findings.Add(finding);
    }

    /// <summary>The comment by which a line says that it is no leak, or null.</summary>
    internal static string? AllowComment(string line) =>
        AllowComments.FirstOrDefault(comment => line.Contains(comment, StringComparison.Ordinal));

    private static string? SecretOf(ScanRule rule, LinearMatch match)
    {
        if (rule.SecretGroup > 0)
        {
            return match.Group(rule.SecretGroup);
        }

        for (var i = 1; i <= match.Groups; i++)
        {
            if (match.Group(i) is { Length: > 0 } group)
            {
                return group;
            }
        }

        return match.Value.TrimEnd('\n');
    }

    private bool IsAllowed(ScanRule rule, Finding finding, string line, string? comment)
    {
        if (_allowComments && comment is not null)
        {
            return Suppress(finding, $"the comment {comment}");
        }

        if (rule.Entropy > 0 && finding.Entropy <= rule.Entropy)
        {
            return Suppress(finding, $"its entropy of {finding.Entropy:0.00} is not above {rule.Entropy:0.00}");
        }

        var candidate = new Candidate(finding.Secret, finding.Match, line, finding.File, finding.Commit?.Hash ?? "");
        foreach (var allowlist in _set.Allowlists.Concat(rule.Allowlists))
        {
            if (allowlist.Allows(candidate) is { } reason)
            {
                return Suppress(
                    finding,
                    allowlist.Description is { Length: > 0 } why ? $"{why}: {Short(reason)}" : reason
                );
            }
        }

        return false;
    }

    /// <summary>Enough to find a long pattern in its file.</summary>
    private static string Short(string reason) =>
        reason.Length <= LongestReason ? reason : $"{reason[..LongestReason]}…";

    private bool Suppress(Finding finding, string reason)
    {
        _explain?.Invoke(new Suppression(finding.File, finding.StartLine, finding.RuleId, reason));
        return true;
    }

    /// <summary>
    /// Those whose required neighbours are there, and that are not for other rules alone; of generic rules, those that no
    /// other rule has something to say of, and of several that report one secret the one that has most of it.
    /// </summary>
    private List<Finding> Reported(List<Finding> findings, List<Finding> forged)
    {
        var reported = new List<Finding>();
        var specific = findings.FindAll(finding => !_rulesById[finding.RuleId].Generic);
        var specificForged = forged.FindAll(finding => !_rulesById[finding.RuleId].Generic);
        foreach (var finding in findings)
        {
            var rule = _rulesById[finding.RuleId];
            if (rule.SkipReport)
            {
                continue;
            }

            if (rule.Required.FirstOrDefault(required => !HasNeighbour(findings, finding, required)) is { } missing)
            {
                Suppress(finding, $"nothing of the rule {missing.Id}, which it requires, is near");
                continue;
            }

            if (rule.Generic && (Same(finding, specificForged) ?? Same(finding, specific)) is { } known)
            {
                Suppress(finding, $"the rule {known.RuleId} knows what it is");
                continue;
            }

            reported.Add(finding);
        }

        return WithoutRepetitions(reported);
    }

    /// <summary>
    /// One secret is one finding. Generic rules overlap, as names and places of secrets do: what one reports of which another
    /// reports as much or more is dropped, and of the same the rule's that stands first.
    /// </summary>
    private List<Finding> WithoutRepetitions(List<Finding> findings)
    {
        var generic = findings.FindAll(finding => _rulesById[finding.RuleId].Generic);
        if (generic.Count < 2)
        {
            return findings;
        }

        // The same secret ends at the same place, so only what ends near is compared: a line may hold thousands.
        var kept = new Dictionary<(int Line, int Part), List<Finding>>();
        var repeated = new HashSet<Finding>(ReferenceEqualityComparer.Instance);
        foreach (
            var finding in generic
                .OrderByDescending(finding => finding.Secret.Length)
                .ThenBy(finding => _ranks[finding.RuleId])
        )
        {
            var (line, part) = (finding.EndLine, finding.EndColumn / NearColumns);
            var known = Enumerable
                .Range(part - 1, 3)
                .SelectMany(near => kept.GetValueOrDefault((line, near)) ?? [])
                .FirstOrDefault(other =>
                    other.RuleId != finding.RuleId
                    && Math.Abs(other.EndColumn - finding.EndColumn) <= NearColumns
                    && other.Secret.Contains(finding.Secret, StringComparison.Ordinal)
                );
            if (known is not null)
            {
                Suppress(finding, $"the rule {known.RuleId} reports it");
                repeated.Add(finding);
            }
            else if (kept.TryGetValue((line, part), out var near))
            {
                near.Add(finding);
            }
            else
            {
                kept[(line, part)] = [finding];
            }
        }

        return findings.FindAll(finding => !repeated.Contains(finding));
    }

    /// <summary>What one of the other findings has to say of the secret of <paramref name="finding"/>.</summary>
    private static Finding? Same(Finding finding, List<Finding> others) =>
        others.Find(other =>
            other.StartLine <= finding.EndLine
            && finding.StartLine <= other.EndLine
            && (
                other.Match.Contains(finding.Secret, StringComparison.Ordinal)
                || SecretAndAfter(finding).Contains(other.Secret, StringComparison.Ordinal)
            )
        );

    /// <summary>What is before it in the match is other arguments of the same command, which may be secrets too.</summary>
    private static ReadOnlySpan<char> SecretAndAfter(Finding finding) =>
        finding.Match.AsSpan(Math.Max(finding.Match.IndexOf(finding.Secret, StringComparison.Ordinal), 0));

    private static bool HasNeighbour(List<Finding> findings, Finding finding, RequiredRule required) =>
        findings.Exists(other =>
            other.RuleId == required.Id
            && (required.WithinLines is not { } lines || Math.Abs(other.StartLine - finding.StartLine) <= lines)
            && (
                required.WithinColumns is not { } columns
                || Math.Abs(other.StartColumn - finding.StartColumn) <= columns
            )
        );
}

/// <summary>Something that matched a rule and is no finding after all.</summary>
/// <param name="File">The file.</param>
/// <param name="Line">Its line, or 0 for the whole file.</param>
/// <param name="RuleId">The rule, or "" for the whole file.</param>
/// <param name="Reason">What speaks against it.</param>
public sealed record Suppression(string File, int Line, string RuleId, string Reason);
