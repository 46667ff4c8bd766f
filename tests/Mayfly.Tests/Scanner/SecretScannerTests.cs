using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Tests.Scanner;

public sealed class SecretScannerTests
{
    private readonly List<Suppression> _explained = [];

    [Fact]
    public void A_finding_tells_where_the_match_stands_and_which_group_is_the_secret()
    {
        var finding = Assert.Single(Scan("one\n  key = \"abc123\" # x\n", "regex = 'key = \"([a-z0-9]+)\"'"));
        Assert.Equal((2, 2, 3, 16), (finding.StartLine, finding.EndLine, finding.StartColumn, finding.EndColumn));
        Assert.Equal(("abc123", "key = \"abc123\""), (finding.Secret, finding.Match));
        Assert.Equal("  key = \"abc123\" # x", finding.Line);
        Assert.Equal("src/a.conf:r:2", finding.Fingerprint);
    }

    [Fact]
    public void A_rule_is_tried_only_where_one_of_its_keywords_is_in_any_case()
    {
        const string rule = "regex = '[0-9]{6}'\nkeywords = ['Number']";
        Assert.Single(Scan("NUMBER 123456", rule));
        Assert.Empty(Scan("nothing 123456", rule));
    }

    [Fact]
    public void A_secret_without_enough_entropy_is_none_and_the_reason_is_told()
    {
        Assert.Empty(Scan("k=aaaaaaaa", "regex = 'k=(\\w+)'\nentropy = 2"));
        Assert.Contains("entropy", Assert.Single(_explained).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gitleaks:allow")]
    [InlineData("mayfly:allow")]
    public void A_comment_on_the_line_allows_it(string comment)
    {
        Assert.Single(Scan($"k=abcdef # {comment}\nk=abcdef", "regex = 'k=(\\w+)'"));
        Assert.Contains(comment, Assert.Single(_explained).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("regexes = ['^abc']", 0)]
    [InlineData("regexes = ['^k=']", 1)]
    [InlineData("regexes = ['^k=']\nregexTarget = 'match'", 0)]
    [InlineData("regexes = ['here$']\nregexTarget = 'line'", 0)]
    [InlineData("stopwords = ['BCD']", 0)]
    [InlineData("paths = ['^src/']", 0)]
    [InlineData("paths = ['^test/']", 1)]
    [InlineData("condition = 'AND'\npaths = ['^src/']\nstopwords = ['zzz']", 1)]
    [InlineData("condition = 'AND'\npaths = ['^src/']\nstopwords = ['bcd']", 0)]
    public void An_allowlist_allows_what_it_says(string allowlist, int findings) =>
        Assert.Equal(findings, Scan("k=abcdef here", $"regex = 'k=(\\w+)'\n[[rules.allowlists]]\n{allowlist}").Count);

    [Theory]
    [InlineData("id-1\nkey=abc", 1)]
    [InlineData("id-1\n\n\n\n\nkey=abc", 0)]
    [InlineData("key=abc", 0)]
    public void A_rule_that_requires_another_near_it_reports_only_then(string text, int findings)
    {
        const string rules = """
            regex = 'key=(\w+)'
            [[rules.required]]
            id = 'other'
            withinLines = 3
            [[rules]]
            id = 'other'
            regex = 'id-[0-9]'
            skipReport = true
            """;
        Assert.Equal(findings, Scan(text, rules).Count);
    }

    [Fact]
    public void A_rule_of_a_path_alone_reports_the_file()
    {
        var set = Rules("path = '\\.p12$'");
        var finding = Assert.Single(new SecretScanner(set).ScanPath("keys/a.p12"));
        Assert.Equal(("keys/a.p12", 0), (finding.File, finding.StartLine));
        Assert.Empty(new SecretScanner(set).ScanPath("keys/a.txt"));
    }

    [Fact]
    public void Any_bytes_are_scanned_to_their_end()
    {
        var scanner = new SecretScanner(DefaultRules.Set);
        Prop.ForAll(
                ArbMap.Default.ArbFor<byte[]>(),
                bytes => scanner.Scan(new Fragment((byte[])[.. "token password "u8, .. bytes], "f")).Count >= 0
            )
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Neither_findings_nor_candidates_show_their_secret_as_text()
    {
        var finding = Assert.Single(Scan("k=canary123", "regex = 'k=(\\w+)'"));
        Assert.DoesNotContain("canary", finding.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(
            "canary",
            new Candidate("canary", "canary", "canary", "p", "").ToString(),
            StringComparison.Ordinal
        );
    }

    private IReadOnlyList<Finding> Scan(string text, string rule) =>
        new SecretScanner(Rules(rule), _explained.Add).Scan(new Fragment(Encoding.UTF8.GetBytes(text), "src/a.conf"));

    private static RuleSet Rules(string rule)
    {
        var text = $"[[rules]]\nid = 'r'\n{rule}";
        var (set, problem) = RuleFile.Read("r.toml", Encoding.UTF8.GetBytes(text), new RuleSet([], []), _ => null);
        Assert.Null(problem);
        return set!;
    }
}
