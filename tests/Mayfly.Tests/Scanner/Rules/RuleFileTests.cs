using System.Text;
using System.Text.Json;
using Mayfly.Scanner.Rules;

namespace Mayfly.Tests.Scanner.Rules;

public sealed class RuleFileTests
{
    private static readonly RuleSet None = new([], []);

    [Fact]
    public void The_configuration_of_gitleaks_is_read_and_finds_what_gitleaks_finds()
    {
        if (Conformance.Find("gitleaks.toml") is not { } file)
        {
            return;
        }

        var (set, problem) = RuleFile.Read("gitleaks.toml", File.ReadAllBytes(file), None, _ => null);
        Assert.Null(problem);
        Assert.True(set!.Rules.Count >= 220);
        var rules = set.Rules.ToDictionary(rule => rule.Id);
        var missed = new List<string>();
        var tried = 0;
        foreach (var line in File.ReadLines(Conformance.Find("rule-cases.jsonl")!))
        {
            var json = JsonElement.Parse(line);
            var id = json.GetProperty("Rule").GetString()!;
            if (json.GetProperty("Kind").GetString() != "tp" || rules.GetValueOrDefault(id)?.Regex is not { } regex)
            {
                continue;
            }

            tried++;
            if (!regex.IsMatch(json.GetProperty("Text").GetString()!))
            {
                missed.Add(id);
            }
        }

        Assert.True(tried > 6000, $"only {tried} cases");
        Assert.Empty(missed);
    }

    [Theory]
    [InlineData("valid", true)]
    [InlineData("invalid", false)]
    public void The_configurations_of_gitleaks_tests_are_read_or_refused_as_it_does(string kind, bool valid)
    {
        if (Conformance.Find("testdata", "config", kind) is not { } folder)
        {
            return;
        }

        var wrong = new List<string>();
        foreach (var file in Directory.GetFiles(folder, "*.toml"))
        {
            // These two extend a file that is not there, which counts only when nothing extends them in turn.
            if (valid && Path.GetFileName(file) is "extend_base_1.toml" or "extend_base_2.toml")
            {
                continue;
            }

            var (set, problem) = RuleFile.Read(file, File.ReadAllBytes(file), None, path => Open(folder, path));
            if (set is not null != valid)
            {
                wrong.Add($"{Path.GetFileName(file)}: {problem}");
            }
        }

        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData("[[rules]]\nid = 'a'\nregex = '(x'", "r.toml:3: ")]
    [InlineData("[[rules]]\nid = 'a'\nregex = 7", "r.toml:3: ")]
    [InlineData("[[rules]]\nregex = 'x'", "r.toml:1: ")]
    [InlineData("[[rules]]\nid = 'a'\nregex = 'x'\nsecretGroup = 1", "group 1")]
    [InlineData("[[rules]]\nid = 'a'\nregex = 'x'\nentropy = 'much'", "r.toml:4: ")]
    [InlineData("[[rules]\n", "line 1")]
    [InlineData("[[allowlists]]\ntargetRules = ['b']\nregexes = ['x']", "\"b\"")]
    [InlineData("[extend]\npath = 'gone.toml'", "gone.toml")]
    public void What_is_wrong_in_a_file_is_told_with_its_place(string text, string says)
    {
        var (set, problem) = Read(text);
        Assert.Null(set);
        Assert.Contains(says, problem!, StringComparison.Ordinal);
        Assert.StartsWith("r.toml", problem!, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_extends_the_default_rules_and_takes_some_away()
    {
        var text = """
            [extend]
            useDefault = true
            disabledRules = ["jwt"]
            [[rules]]
            id = "aws-access-key-id"
            description = "ours"
            [[rules]]
            id = "own"
            regex = 'own-[0-9]{4}'
            """;
        var (set, problem) = Read(text, DefaultRules.Set);
        Assert.Null(problem);
        Assert.DoesNotContain(set!.Rules, rule => rule.Id == "jwt");
        Assert.Contains(set.Rules, rule => rule.Id == "own");
        var aws = Assert.Single(set.Rules, rule => rule.Id == "aws-access-key-id");
        Assert.Equal("ours", aws.Description);
        Assert.NotNull(aws.Regex);
    }

    private static (RuleSet?, string?) Read(string text, RuleSet? defaults = null) =>
        RuleFile.Read("r.toml", Encoding.UTF8.GetBytes(text), defaults ?? None, _ => null);

    private static byte[]? Open(string folder, string path)
    {
        // They name each other as seen from gitleaks' own tests.
        var file = Path.Combine(folder, "..", path.Replace("../testdata/config/", "", StringComparison.Ordinal));
        return File.Exists(file) ? File.ReadAllBytes(file) : null;
    }
}
