using Mayfly.Core.Quotas;

namespace Mayfly.Tests.Quotas;

public sealed class FairSharesTests
{
    [Fact]
    public void A_few_who_want_everything_leave_room_for_those_who_come_later()
    {
        var shares = new FairShares(1_000);
        string[] greedy = ["a", "b", "c", "d"];
        for (var i = 0; i < 1_000; i++)
        {
            foreach (var owner in greedy)
            {
                shares.TryTake(owner);
            }
        }

        Assert.All(greedy, owner => Assert.InRange(shares.Of(owner), 100, 250));
        Assert.InRange(shares.Taken, 500, 900);
        Assert.True(shares.TryTake("newcomer"));
    }

    [Fact]
    public void Whoever_has_none_gets_one_until_all_are_taken()
    {
        var shares = new FairShares(3);

        Assert.Equal([true, true, true, false], new[] { "a", "b", "c", "d" }.Select(shares.TryTake));

        shares.GiveBack("b");
        Assert.False(shares.TryTake("a"));
        Assert.True(shares.TryTake("d"));
        Assert.Equal(3, shares.Taken);
    }

    [Fact]
    public void One_owner_has_a_limit_of_its_own()
    {
        var shares = new FairShares(100, mostOfOne: 2);

        Assert.Equal([true, true, false], new[] { "a", "a", "a" }.Select(shares.TryTake));
    }
}
