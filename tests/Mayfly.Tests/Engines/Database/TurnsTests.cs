using Mayfly.Core.Engines.Database;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Database;

public sealed class TurnsTests
{
    [Fact]
    public async Task Who_gets_no_turn_has_made_nothing()
    {
        using var turns = new Turns(1, new ManualTime());
        var asked = await turns.TakeAsync(_ => new(Fault.Unavailable("away")), CancellationToken.None);
        var refused = await turns.TakeAsync(_ => throw new InvalidOperationException(), CancellationToken.None);

        Assert.Equal((false, true), (asked?.NothingMade, refused?.NothingMade));
        Assert.Equal(asked!.Messages, refused!.Messages);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task A_database_that_was_away_is_asked_again_after_a_second_whatever_the_clock_shows(int hours)
    {
        var time = new ManualTime();
        using var turns = new Turns(1, time);
        Assert.NotNull(await turns.TakeAsync(_ => new(Fault.Unavailable("away")), CancellationToken.None));

        time.Jump(TimeSpan.FromHours(hours));
        Assert.NotNull(await turns.TakeAsync(_ => default, CancellationToken.None));
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Null(await turns.TakeAsync(_ => default, CancellationToken.None));
    }
}
