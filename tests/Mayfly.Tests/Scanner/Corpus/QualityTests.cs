using Mayfly.Scanner.Rules;

namespace Mayfly.Tests.Scanner.Corpus;

/// <summary>How well the default rules do on the corpus; <c>./bench.sh scan-quality</c> prints it rule by rule.</summary>
public sealed class QualityTests
{
    [Fact]
    public void The_default_rules_reach_an_F1_of_nine_tenths()
    {
        Assert.True(LabelledText.All.Count >= 2000, $"The corpus has {LabelledText.All.Count} texts.");
        var (all, _, wrong) = Quality.Of(DefaultRules.Set, LabelledText.All);
        Assert.True(all.F1 >= 0.9, $"{all}\n{string.Join('\n', wrong)}");
    }

    [Fact]
    public void The_half_that_nobody_looked_at_is_found_as_well()
    {
        var (all, _, _) = Quality.Of(DefaultRules.Set, LabelledText.All.Where(item => item.HeldOut));
        Assert.True(all.F1 >= 0.9, $"{all}");
    }

    [Fact]
    public void The_default_rules_find_no_less_than_those_of_gitleaks()
    {
        if (Conformance.Find("gitleaks.toml") is not { } file)
        {
            return;
        }

        var (theirs, problem) = RuleFile.Read(file, File.ReadAllBytes(file), new RuleSet([], []), _ => null);
        Assert.Null(problem);
        var (our, _, _) = Quality.Of(DefaultRules.Set, LabelledText.All);
        var (their, _, _) = Quality.Of(theirs!, LabelledText.All);
        Assert.True(our.Recall >= their.Recall, $"ours: {our}\ntheirs: {their}");
        Assert.True(our.F1 >= their.F1, $"ours: {our}\ntheirs: {their}");
    }
}
