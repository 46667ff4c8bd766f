using Mayfly.Core.Known;

namespace Mayfly.Tests.Known;

/// <summary>How many guesses there are.</summary>
public sealed class KnownBudgetTests
{
    [Fact]
    public void A_policy_has_so_many_in_an_hour_whatever_the_token_and_its_other_policies()
    {
        var time = new ManualTime();
        var budget = new KnownBudget(time);
        string[][] same =
        [
            ["a", "b"],
            ["b", "a"],
        ];
        for (var taken = 0; taken + 1000 <= KnownBudget.PerHour; taken += 1000)
        {
            Assert.Null(budget.Take(same[taken / 1000 % 2], 1000));
        }

        Assert.InRange(budget.Take(same[0], 1000)!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(20));
        // A token with one of the two, which whoever has both can make.
        Assert.NotNull(budget.Take(["a"], 1000));
        Assert.Null(budget.Take(["c"], 1000));
        time.Leap(TimeSpan.FromHours(1));
        Assert.Null(budget.Take(same[1], 1000));
    }
}
