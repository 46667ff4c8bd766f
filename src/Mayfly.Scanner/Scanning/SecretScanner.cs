using System.Text;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Matching;
using Mayfly.Scanner.Rules;

namespace Mayfly.Scanner.Scanning;

/// <summary>
/// Holds rules against fragments. A fragment without any rule's keyword is passed over as bytes, which is what makes it
/// fast; only one that has some is decoded, and only the rules of those keywords are tried. Safe for concurrent use.
/// </summary>
public sealed class SecretScanner
{
    /// <summary>Of longer lines (in characters), minified code for the most part, findings hold the match alone.</summary>
    private const int LongestLine = 2000;

    private static readonly string[] AllowComments = ["gitleaks:allow", "mayfly:allow"];

    private readonly RuleSet _set;
    private readonly KeywordIndex _index;
    private readonly int[][] _rulesOfKeyword;
    private readonly int[] _always;
    private readonly ScanRule[] _ofPaths;
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

        _index = new KeywordIndex([.. keywords.Keys.Select(Encoding.UTF8.GetBytes)]);
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
    }

    /// <summary>Whether the allowlists for all rules leave the whole file out.</summary>
    public bool PassesOver(string path, string commit = "")
    {
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
    public IEnumerable<Finding> ScanPath(string path, CommitInfo? commit = null) =>
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
            .Where(finding => !IsAllowed(_set.Rules.First(rule => rule.Id == finding.RuleId), finding, finding.Line));

    /// <summary>What the rules find in <paramref name="fragment"/>, in no promised order.</summary>
    public IReadOnlyList<Finding> Scan(Fragment fragment)
    {
        var occurs = new bool[_rulesOfKeyword.Length];
        var any = _index.Find(fragment.Bytes.Span, occurs);
        if (!any && _always.Length == 0)
        {
            return [];
        }

        var rules = new HashSet<int>(_always);
        for (var i = 0; i < occurs.Length; i++)
        {
            if (occurs[i])
            {
                rules.UnionWith(_rulesOfKeyword[i]);
            }
        }

        // What is no UTF-8 is taken for Latin-1, in which any bytes mean something.
        var bytes = fragment.Bytes.Span;
        var text = (Utf8.IsValid(bytes) ? Encoding.UTF8 : Encoding.Latin1).GetString(bytes);
        var lines = new LineMap(text);
        var findings = new List<Finding>();
        foreach (var number in rules.Order())
        {
            var rule = _set.Rules[number];
            if (rule.Path is null || rule.Path.IsMatch(fragment.Path))
            {
                Match(rule, fragment, text, lines, findings);
            }
        }

        return Reported(findings);
    }

    private void Match(ScanRule rule, Fragment fragment, string text, LineMap lines, List<Finding> findings)
    {
        foreach (Match match in rule.Regex!.Matches(text))
        {
            var whole = match.Value.TrimEnd('\n');
            if (SecretOf(rule, match) is not { Length: > 0 } secret)
            {
                continue;
            }

            var (first, startColumn) = lines.At(match.Index);
            var (last, endColumn) = lines.At(Math.Max(match.Index, match.Index + whole.Length - 1));
            var line = lines.Lines(first, last);
            startColumn += first == 0 ? fragment.FirstColumn - 1 : 0;
            endColumn += last == 0 ? fragment.FirstColumn - 1 : 0;
            var finding = new Finding
            {
                RuleId = rule.Id,
                Description = rule.Description,
                StartLine = fragment.FirstLine + first,
                EndLine = fragment.FirstLine + last,
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
            if (!IsAllowed(rule, finding, line))
            {
                findings.Add(finding);
            }
        }
    }

    private static string? SecretOf(ScanRule rule, Match match)
    {
        if (rule.SecretGroup > 0)
        {
            return match.Groups[rule.SecretGroup].Value;
        }

        for (var i = 1; i < match.Groups.Count; i++)
        {
            if (match.Groups[i].Length > 0)
            {
                return match.Groups[i].Value;
            }
        }

        return match.Value.TrimEnd('\n');
    }

    private bool IsAllowed(ScanRule rule, Finding finding, string line)
    {
        if (
            _allowComments
            && AllowComments.FirstOrDefault(comment => line.Contains(comment, StringComparison.Ordinal)) is { } comment
        )
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
                    $"{reason}{(allowlist.Description is { Length: > 0 } why ? $" ({why})" : "")}"
                );
            }
        }

        return false;
    }

    private bool Suppress(Finding finding, string reason)
    {
        _explain?.Invoke(new Suppression(finding.File, finding.StartLine, finding.RuleId, reason));
        return true;
    }

    /// <summary>Those whose required neighbours are there, and that are not for other rules alone.</summary>
    private List<Finding> Reported(List<Finding> findings)
    {
        var reported = new List<Finding>();
        foreach (var finding in findings)
        {
            var rule = _set.Rules.First(rule => rule.Id == finding.RuleId);
            if (rule.SkipReport)
            {
                continue;
            }

            if (rule.Required.FirstOrDefault(required => !HasNeighbour(findings, finding, required)) is { } missing)
            {
                Suppress(finding, $"nothing of the rule {missing.Id}, which it requires, is near");
                continue;
            }

            reported.Add(finding);
        }

        return reported;
    }

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
