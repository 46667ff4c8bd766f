using System.Text;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Tests.Scanner.Rules;

/// <summary>Mayfly's own rules, each with what it must find and what it must leave alone.</summary>
public sealed class DefaultRuleTests
{
    private static readonly Dictionary<string, SecretScanner> Scanners = DefaultRules.Set.Rules.ToDictionary(
        rule => rule.Id,
        rule => new SecretScanner(new RuleSet([rule], DefaultRules.Set.Allowlists))
    );

    [Fact]
    public void Every_rule_finds_its_examples()
    {
        var missed = new List<string>();
        foreach (var example in RuleExample.All.Where(example => example.Leak))
        {
            // Several draws: an alphabet's rarer characters stand at every place some time.
            for (var seed = 0u; seed < 8; seed++)
            {
                if (!Finds(example, seed))
                {
                    missed.Add($"{example.Rule}: {example.Text(seed)}");
                    break;
                }
            }
        }

        Assert.Empty(missed);
    }

    [Fact]
    public void Every_rule_leaves_alone_what_is_none()
    {
        var alarms = RuleExample.All.Where(example => !example.Leak && Finds(example, 1));
        Assert.Empty(alarms.Select(example => $"{example.Rule}: {example.Text(1)}"));
    }

    [Fact]
    public void Every_rule_has_examples_of_both_kinds_and_every_example_a_rule()
    {
        var rules = DefaultRules.Set.Rules.Select(rule => rule.Id).ToHashSet();
        Assert.Equal(DefaultRules.Set.Rules.Count, rules.Count);
        var examples = RuleExample.All.Where(example => example.Leak).Select(example => example.Rule).ToHashSet();
        Assert.Empty(rules.Except(examples));
        Assert.Empty(RuleExample.All.Select(example => example.Rule).ToHashSet().Except(rules));
        var others = RuleExample.All.Where(example => !example.Leak).Select(example => example.Rule).ToHashSet();
        Assert.Empty(rules.Except(others));
        Assert.True(rules.Count >= 215, $"There are {rules.Count} rules.");
    }

    [Fact]
    public void Every_rule_has_a_keyword_and_says_what_it_is_for()
    {
        Assert.Empty(DefaultRules.Set.Rules.Where(rule => rule.Keywords.Count == 0).Select(rule => rule.Id));
        Assert.Empty(DefaultRules.Set.Rules.Where(rule => rule.Description.Length == 0).Select(rule => rule.Id));
    }

    private static bool Finds(RuleExample example, uint seed)
    {
        var bytes = Encoding.UTF8.GetBytes(example.Text(seed));
        return Scanners[example.Rule].Scan(new Fragment(bytes, "src/app.conf")).Count > 0;
    }
}
