using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Rotation;

namespace Mayfly.Tests.Rotation;

public sealed class CronExpressionTests
{
    [Theory]
    [InlineData("* * * * *", "2026-11-20T10:00:00Z", "2026-11-20T10:01:00Z")]
    [InlineData("* * * * *", "2026-11-20T10:00:59.999Z", "2026-11-20T10:01:00Z")]
    [InlineData("0 3 * * *", "2026-11-20T03:00:00Z", "2026-11-21T03:00:00Z")]
    [InlineData("0 3 * * *", "2026-11-20T02:59:59Z", "2026-11-20T03:00:00Z")]
    [InlineData("*/15 * * * *", "2026-11-20T10:46:00Z", "2026-11-20T11:00:00Z")]
    [InlineData("5-10/5,50 8-9 * * *", "2026-11-20T08:10:00Z", "2026-11-20T08:50:00Z")]
    [InlineData("30 1 1 * *", "2026-12-31T23:59:00Z", "2027-01-01T01:30:00Z")]
    [InlineData("0 0 * * SAT", "2026-11-20T10:00:00Z", "2026-11-21T00:00:00Z")]
    [InlineData("0 0 * * 6", "2026-11-21T00:00:00Z", "2026-11-28T00:00:00Z")]
    [InlineData("0 0 * * 0", "2026-11-20T10:00:00Z", "2026-11-22T00:00:00Z")]
    [InlineData("0 0 * * 7", "2026-11-20T10:00:00Z", "2026-11-22T00:00:00Z")]
    [InlineData("0 0 * * mon-fri", "2026-11-20T10:00:00Z", "2026-11-23T00:00:00Z")]
    [InlineData("0 12 13 * FRI", "2026-11-20T12:00:00Z", "2026-11-27T12:00:00Z")]
    [InlineData("0 12 ? dec ?", "2026-11-20T12:00:00Z", "2026-12-01T12:00:00Z")]
    [InlineData("0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z")]
    [InlineData("59 23 31 12 *", "2026-12-31T23:58:30Z", "2026-12-31T23:59:00Z")]
    [InlineData("0 5/6 * * *", "2026-11-20T17:00:00Z", "2026-11-20T23:00:00Z")]
    [InlineData("  0   3  *  *  *  ", "2026-11-20T02:00:00+02:00", "2026-11-20T03:00:00Z")]
    public void Next_time_is_the_first_that_the_expression_names(string text, string after, string expected)
    {
        Assert.True(CronExpression.TryParse(text, out var cron, out var problem), problem);
        Assert.Equal(Time(expected), cron.After(Time(after)));
    }

    [Theory]
    [InlineData("", "exactly 5 fields")]
    [InlineData("* * * *", "found 4")]
    [InlineData("0 * * * * *", "found 6")]
    [InlineData("60 * * * *", "no minute")]
    [InlineData("* 24 * * *", "no hour")]
    [InlineData("* * 0 * *", "no day of month")]
    [InlineData("* * 32 * *", "no day of month")]
    [InlineData("* * * 13 *", "no month")]
    [InlineData("* * * * 8", "no day of week")]
    [InlineData("* * * FEB-JAN *", "no month")]
    [InlineData("*/0 * * * *", "no minute")]
    [InlineData("-1 * * * *", "no minute")]
    [InlineData("1,,2 * * * *", "no minute")]
    [InlineData("1-2-3 * * * *", "no minute")]
    [InlineData("+5 * * * *", "no minute")]
    [InlineData("99999999999 * * * *", "no minute")]
    [InlineData("x * * * *", "no minute")]
    [InlineData("* MON * * *", "no hour")]
    [InlineData("0 0 30 2 *", "no date that exists")]
    [InlineData("0 0 31 4,6,9,11 *", "no date that exists")]
    [InlineData("@daily", "found 1")]
    public void What_is_no_expression_is_refused_with_the_reason(string text, string reason)
    {
        Assert.False(CronExpression.TryParse(text, out _, out var problem));
        Assert.Contains(reason, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Near_the_end_of_the_calendar_there_is_no_next_time()
    {
        Assert.True(CronExpression.TryParse("* * * * *", out var cron, out _));
        Assert.Null(cron.After(DateTimeOffset.MaxValue));
    }

    [Fact]
    public void Any_text_has_an_answer() =>
        Prop.ForAll(ArbMap.Default.ArbFor<string>(), text => CronExpression.TryParse(text ?? "", out _, out _) || true)
            .QuickCheckThrowOnFailure();

    /// <summary>Against the definition, minute by minute, for two months.</summary>
    [Fact]
    public void Next_time_is_what_a_search_of_every_minute_finds()
    {
        var minutes = Gen.Choose(0, 59).Select(Number);
        var steps = Gen.Choose(1, 40).Select(step => $"*/{step}");
        var hours = Gen.Choose(0, 23).Select(Number);
        var days = Gen.Choose(1, 28).Select(Number);
        var weekdays = Gen.Choose(0, 7).Select(Number);
        var any = Gen.Constant("*");
        var texts =
            from minute in Gen.OneOf(minutes, any, steps)
            from hour in Gen.OneOf(hours, any, Gen.Choose(1, 20).Select(step => $"*/{step}"))
            from day in Gen.OneOf(days, any)
            from weekday in Gen.OneOf(weekdays, any)
            from start in Gen.Choose(0, 60 * 24 * 365)
            select (Text: $"{minute} {hour} {day} * {weekday}", Start: start);
        Prop.ForAll(
                texts.ToArbitrary(),
                sample =>
                {
                    var start = new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMinutes(sample.Start);
                    Assert.True(CronExpression.TryParse(sample.Text, out var cron, out _));
                    var fields = sample.Text.Split(' ');
                    var expected = Enumerable
                        .Range(1, 60 * 24 * 62)
                        .Select(minute => start.AddMinutes(minute))
                        .First(time => Names(fields, time));
                    return cron.After(start) == expected;
                }
            )
            .QuickCheckThrowOnFailure();
    }

    private static bool Names(string[] fields, DateTimeOffset time)
    {
        var day = Has(fields[2], time.Day, 1);
        var weekday =
            Has(fields[4], (int)time.DayOfWeek, 0) || (time.DayOfWeek == DayOfWeek.Sunday && fields[4] == "7");
        return Has(fields[0], time.Minute, 0)
            && Has(fields[1], time.Hour, 0)
            && (fields[2] != "*" && fields[4] != "*" ? day || weekday : day && weekday);
    }

    private static bool Has(string field, int value, int low) =>
        field == "*"
        || (
            field.StartsWith("*/", StringComparison.Ordinal)
                ? (value - low) % int.Parse(field.AsSpan(2), CultureInfo.InvariantCulture) == 0
                : int.Parse(field, CultureInfo.InvariantCulture) == value
        );

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
