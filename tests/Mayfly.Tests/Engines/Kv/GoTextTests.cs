using Mayfly.Core.Engines.Kv;

namespace Mayfly.Tests.Engines.Kv;

public sealed class GoTextTests
{
    [Theory]
    [InlineData(0, "2026-01-02T03:04:05Z")]
    [InlineData(1_234_567, "2026-01-02T03:04:05.1234567Z")]
    [InlineData(1_000_000, "2026-01-02T03:04:05.1Z")]
    [InlineData(10, "2026-01-02T03:04:05.000001Z")]
    [InlineData(1, "2026-01-02T03:04:05.0000001Z")]
    public void Times_have_as_many_decimals_as_needed(long ticks, string expected)
    {
        var time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

        Assert.Equal(expected, GoText.Time(time.Ticks + ticks));
    }

    [Fact]
    public void No_time_is_no_text() => Assert.Equal("", GoText.Time(0));

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(1, "100ns")]
    [InlineData(15, "1.5µs")]
    [InlineData(2_500_000, "250ms")]
    [InlineData(10_000_000, "1s")]
    [InlineData(15_000_000, "1.5s")]
    [InlineData(900_000_000, "1m30s")]
    [InlineData(36_000_000_000, "1h0m0s")]
    [InlineData(27_648_000_000_000, "768h0m0s")]
    [InlineData(-10_000_000, "-1s")]
    public void Durations_print_as_in_go(long ticks, string expected) =>
        Assert.Equal(expected, GoText.Duration(new TimeSpan(ticks)));
}
