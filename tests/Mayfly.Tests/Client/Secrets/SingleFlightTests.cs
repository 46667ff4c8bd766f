using Mayfly.Client.Secrets;

namespace Mayfly.Tests.Client.Secrets;

public sealed class SingleFlightTests
{
    [Fact]
    public async Task What_falls_due_while_a_run_ends_is_run_after_it()
    {
        var runs = 0;
        Task<int>? due = null;
        SingleFlight<int>? flight = null;
        flight = new SingleFlight<int>(
            _ =>
            {
                if (++runs == 1)
                {
                    due = flight!.Now();
                }

                return Task.FromResult(runs);
            },
            TimeSpan.Zero,
            new ManualTime(),
            TestContext.Current.CancellationToken
        );

        Assert.Equal(1, await flight.Now());
        Assert.Equal(2, await due!);
    }
}
