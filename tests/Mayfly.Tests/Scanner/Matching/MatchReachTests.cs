using System.Text;
using Mayfly.Scanner.Matching;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;
using Mayfly.Tests.Scanner.Rules;

namespace Mayfly.Tests.Scanner.Matching;

/// <summary>Searching around keywords alone must find what searching all of the text finds.</summary>
public sealed class MatchReachTests
{
    [Theory]
    [InlineData("ab[0-9]{4}", "ab", 6, 0)]
    [InlineData("x\\sab.?", "ab", 7, 1)]
    [InlineData("ab[a-z]+", "ab", null, 0)]
    [InlineData("(?:ab|cd)[0-9]", "ab", null, null)]
    [InlineData("(?i)AB[0-9]", "ab", 3, 0)]
    [InlineData("[ab]b", "ab", null, null)]
    [InlineData("ab(?s:.)*", "ab", null, null)]
    [InlineData("a(?:b|bb)c", "ab", 4, 0)]
    public void The_reach_is_proven_from_the_pattern(string pattern, string keyword, int? bytes, int? lines)
    {
        var reach = MatchReach.Of(pattern, [keyword]);
        Assert.Equal((bytes, lines), (reach.Bytes, reach.LineEnds));
    }

    [Theory]
    [InlineData("x77ab1234", true)]
    [InlineData("x77AB12345", true)]
    [InlineData("x77ab123", false)]
    [InlineData("x77ab123x", false)]
    [InlineData("x7ab1234", false)]
    [InlineData("7ab1234", false)]
    public void What_is_around_a_keyword_is_looked_at_before_the_pattern_is_tried(string text, bool possible)
    {
        var steps = 0L;
        var end = text.IndexOf("ab", StringComparison.OrdinalIgnoreCase) + 2;
        var reach = MatchReach.Of("(?i)[0-9]{2}ab[0-9]{4}", ["ab"]);
        Assert.Equal(possible, reach.CanMatch(Encoding.UTF8.GetBytes(text), end, ref steps));
        Assert.InRange(steps, 1, text.Length);
    }

    [Theory]
    [InlineData("ab(?:[a-z]|é){3}!", "abéé!")]
    [InlineData("ab[^x]!", "abé!")]
    public void What_is_beyond_ascii_counts_as_possible(string pattern, string text)
    {
        var steps = 0L;
        Assert.True(MatchReach.Of(pattern, ["ab"]).CanMatch(Encoding.UTF8.GetBytes(text), 2, ref steps));
    }

    [Theory]
    [InlineData("lob live_0a1b2c", true)]
    [InlineData("é live_0a1b2c", true)]
    [InlineData("live_live_0a1b2cé", true)]
    [InlineData("lob live_0a1b2", false)]
    [InlineData("é live_0a1b2é", false)]
    [InlineData("live_0a1éb2c", false)]
    [InlineData("", false)]
    public void A_text_is_looked_through_for_what_need_not_be_at_the_keyword(string text, bool possible)
    {
        var reach = MatchReach.Of("\\b(live_[0-9a-f]{6})(?:[^0-9a-f]|$)", ["lob"]);
        Assert.True(reach.IsAnywhere);
        Assert.Equal(possible, reach.CanBeIn(Encoding.UTF8.GetBytes(text)));
        Assert.Equal(possible, reach.CanBeIn(Encoding.Latin1.GetBytes(text)));
    }

    [Fact]
    public void What_begins_beyond_ascii_can_be_anywhere_in_a_text_that_has_such_characters()
    {
        var reach = MatchReach.Of("[^a-z]{2}[0-9]", ["lob"]);
        Assert.True(reach.CanBeIn("lob éé1"u8));
        Assert.False(reach.CanBeIn("lob xy1"u8));
    }

    [Fact]
    public void A_pattern_that_needs_too_many_states_is_always_possible()
    {
        // Which of the last 20 letters were an "a": a million states.
        var reach = MatchReach.Of("k(?:a|b)*a(?:a|b){20}!", ["k"]);
        var text = new StringBuilder("k");
        for (var state = 1u; text.Length < 20_000; )
        {
            state = state * 1664525 + 1013904223;
            text.Append(state >> 31 == 0 ? 'a' : 'b');
        }

        var steps = 0L;
        Assert.True(reach.CanMatch(Encoding.UTF8.GetBytes(text.ToString()), 1, ref steps));
    }

    [Fact]
    public void Nearly_every_default_rule_has_a_proof()
    {
        var without = DefaultRules.Set.Rules.Where(rule =>
            MatchReach.Of(rule.Regex!.Pattern, rule.Keywords) == MatchReach.Unknown
        );
        Assert.True(without.Count() <= 15, string.Join(", ", without.Select(rule => rule.Id)));
    }

    [Fact]
    public void Default_rules_find_around_keywords_what_they_find_in_all_of_the_text() => Compare(DefaultRules.Set);

    [Fact]
    public void Gitleaks_rules_find_around_keywords_what_they_find_in_all_of_the_text()
    {
        if (Conformance.Find("gitleaks.toml") is { } file)
        {
            Compare(RuleFile.Read(file, File.ReadAllBytes(file), new RuleSet([], []), _ => null).Rules!);
        }
    }

    private static void Compare(RuleSet set)
    {
        // Without entropy and allowlists, so that everything that matches is a finding.
        var rules = set
            .Rules.Where(rule => rule is { Regex: not null, Path: null })
            .Select(rule =>
                rule with
                {
                    Entropy = 0,
                    Allowlists = [],
                    Required = [],
                    SkipReport = false,
                    Generic = false,
                    Checksum = null,
                }
            )
            .ToList();
        var scanner = new SecretScanner(new RuleSet(rules, []));
        string[] joints =
        [
            "\n",
            " ",
            "",
            "\r\n\n",
            "é",
            "x",
            "\"",
            " = ",
            "\n\n\n",
            "key: '",
            "-----BEGIN PRIVATE KEY-----",
        ];
        var examples = RuleExample.All;
        for (var seed = 1u; seed <= 60; seed++)
        {
            var text = new StringBuilder();
            var state = seed * 2654435761;
            for (var i = 0; i < 40; i++)
            {
                state = state * 1664525 + 1013904223;
                text.Append(examples[(int)((state >> 8) % examples.Count)].Text(state));
                text.Append(joints[(int)((state >> 20) % joints.Length)]);
            }

            var whole = text.ToString();
            var found = scanner
                .Scan(new Fragment(Encoding.UTF8.GetBytes(whole), "f"))
                .Select(finding => (finding.RuleId, finding.StartLine, finding.StartColumn, finding.Secret));
            Assert.Equal(rules.SelectMany(rule => WholeTextScan.Findings(rule, whole)).Order(), found.Order());
        }
    }
}
