using Mayfly.Client.Secrets;

namespace Mayfly.Tests.Client.Secrets;

public sealed class RefreshScheduleTests
{
    [Fact]
    public void A_source_that_asks_for_a_year_of_patience_is_asked_again_within_minutes() =>
        Assert.InRange(
            RefreshSchedule.Retry(1, TimeSpan.FromSeconds(30), asked: TimeSpan.FromDays(365)),
            TimeSpan.FromMinutes(4),
            TimeSpan.FromMinutes(5)
        );

    [Fact]
    public void A_source_that_asks_for_a_minute_gets_it() =>
        Assert.Equal(
            TimeSpan.FromMinutes(1),
            RefreshSchedule.Retry(1, TimeSpan.FromSeconds(30), asked: TimeSpan.FromMinutes(1))
        );
}
