using System.Text;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Reports;
using Mayfly.Scanner.Rules;

namespace Mayfly.Tests.Scanner.Reports;

public sealed class ReportTests
{
    private static readonly Finding Simple = new()
    {
        RuleId = "test-rule",
        StartLine = 1,
        EndLine = 2,
        StartColumn = 1,
        EndColumn = 2,
        Match = "line containing secret",
        Secret = "a secret",
        File = "auth.py",
        Commit = new CommitInfo("0000000000000000", "John Doe", "johndoe@gmail.com", "10-19-2003", "opps"),
        Tags = ["tag1", "tag2", "tag3"],
    };

    [Fact]
    public void Json_is_what_gitleaks_writes()
    {
        if (Expected("json_simple.json") is not { } expected)
        {
            return;
        }

        var ours = JsonNode.Parse(Write(ReportFormat.Json, Simple with { Tags = [] }))!;
        var theirs = JsonNode.Parse(expected)!;
        // Its test sets no fingerprint; real findings have one.
        ours[0]!["Fingerprint"] = "";
        Assert.True(JsonNode.DeepEquals(theirs, ours), ours.ToJsonString());
        Assert.Equal("[]\n", Write(ReportFormat.Json));
    }

    [Fact]
    public void Csv_is_what_gitleaks_writes()
    {
        if (Expected("csv_simple.csv") is { } expected)
        {
            var fingerprint = Simple.Fingerprint;
            var ours = Write(ReportFormat.Csv, Simple).Replace(fingerprint, "fingerprint", StringComparison.Ordinal);
            Assert.Equal(expected, ours);
        }

        var quoted = Write(ReportFormat.Csv, Simple with { Secret = "a\"b,c\nd" });
        Assert.Contains("\"a\"\"b,c\nd\"", quoted, StringComparison.Ordinal);
    }

    [Fact]
    public void Sarif_has_the_results_that_gitleaks_writes()
    {
        if (Expected("sarif_simple.sarif") is not { } expected)
        {
            return;
        }

        var ours = JsonNode.Parse(Write(ReportFormat.Sarif, Simple))!;
        var theirs = JsonNode.Parse(expected)!;
        Assert.True(JsonNode.DeepEquals(theirs["runs"]![0]!["results"], ours["runs"]![0]!["results"]), $"{ours}");
        Assert.Equal("2.1.0", (string?)ours["version"]);
        Assert.Equal("mayfly", (string?)ours["runs"]![0]!["tool"]!["driver"]!["name"]);
    }

    [Fact]
    public void JUnit_has_the_failures_that_gitleaks_writes()
    {
        var ours = XDocument.Parse(Write(ReportFormat.JUnit, Simple with { Description = "Test Rule" }));
        var suite = ours.Root!.Element("testsuite")!;
        Assert.Equal("1", suite.Attribute("failures")!.Value);
        if (Expected("junit_simple.xml") is { } expected)
        {
            var theirs = XDocument.Parse(expected).Root!.Element("testsuite")!.Element("testcase")!;
            var mine = suite.Element("testcase")!;
            Assert.Equal(
                theirs.Attributes().Select(each => each.ToString()),
                mine.Attributes().Select(each => each.ToString())
            );
        }

        // What XML cannot hold does not break the report.
        XDocument.Parse(Write(ReportFormat.JUnit, Simple with { File = "a\u0001b", Secret = "\u0000\uD800" }));
    }

    [Theory]
    [InlineData(100, "key=REDACTED;")]
    [InlineData(75, "key=ab...;")]
    [InlineData(50, "key=abcd...;")]
    public void A_redacted_finding_shows_so_much_of_the_secret_and_no_more(int percent, string line)
    {
        var finding = Simple with { Secret = "abcdefgh", Match = "key=abcdefgh;", Line = "key=abcdefgh;" };
        var redacted = Redaction.Redact(finding, percent);
        Assert.Equal((line, line), (redacted.Match, redacted.Line));
        Assert.DoesNotContain("abcdefgh", Write(ReportFormat.Json, redacted), StringComparison.Ordinal);
    }

    [Fact]
    public void A_baseline_knows_what_an_earlier_report_has_wherever_it_has_moved()
    {
        var baseline = Read(Write(ReportFormat.Json, Simple));
        Assert.True(baseline.Has(Simple));
        Assert.True(baseline.Has(Simple with { StartLine = 40, EndLine = 41 }));
        Assert.False(baseline.Has(Simple with { Secret = "another" }));
        Assert.False(baseline.Has(Simple with { File = "other.py" }));
        var redacted = Read(Write(ReportFormat.Json, Redaction.Redact(Simple, 100)));
        Assert.True(redacted.Has(Simple));
        Assert.False(redacted.Has(Simple with { StartLine = 40 }));
        Assert.Null(Baseline.Read("{}"u8).Baseline);
        Assert.Contains("line 1", Baseline.Read("[{"u8).Problem!, StringComparison.Ordinal);
    }

    [Fact]
    public void An_ignore_file_names_findings_with_their_commit_or_without()
    {
        var list = new IgnoreList(["# a comment\n0000000000000000:auth.py:test-rule:1\nfoo\\bar.py:r:5 \r\n"]);
        Assert.True(list.Has(Simple));
        Assert.False(list.Has(Simple with { StartLine = 2 }));
        Assert.True(
            list.Has(
                new Finding
                {
                    RuleId = "r",
                    File = "foo/bar.py",
                    StartLine = 5,
                }
            )
        );
        Assert.True(new IgnoreList(["auth.py:test-rule:1"]).Has(Simple));
    }

    private static Baseline Read(string json)
    {
        var (baseline, problem) = Baseline.Read(Encoding.UTF8.GetBytes(json));
        Assert.Null(problem);
        return baseline!;
    }

    private static string Write(ReportFormat format, params Finding[] findings)
    {
        using var stream = new MemoryStream();
        Report.Write(format, findings, DefaultRules.Set.Rules, "1.2.3", stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static string? Expected(string name) =>
        Conformance.Find("testdata", "expected", "report", name) is { } file ? File.ReadAllText(file) : null;
}
