using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;

namespace Mayfly.Core.Rotation;

/// <summary>
/// A cron expression of five fields (minute, hour, day of the month, month, day of the week) in UTC, as
/// <c>rotation_schedule</c> takes it: <c>*</c>, numbers, names (<c>JAN</c>, <c>MON</c>), ranges, steps and lists. When both days
/// are restricted, either suffices. Immutable.
/// </summary>
public sealed class CronExpression
{
    /// <summary>29 February can be eight years away (1896 to 1904, 2096 to 2104).</summary>
    private const int YearsAhead = 9;

    private static readonly string[] Months =
    [
        "JAN",
        "FEB",
        "MAR",
        "APR",
        "MAY",
        "JUN",
        "JUL",
        "AUG",
        "SEP",
        "OCT",
        "NOV",
        "DEC",
    ];

    private static readonly string[] Weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

    private readonly ulong _minutes;
    private readonly ulong _hours;
    private readonly ulong _days;
    private readonly ulong _months;
    private readonly ulong _weekdays;
    private readonly bool _eitherDay;

    private CronExpression(Field minute, Field hour, Field day, Field month, Field weekday)
    {
        _minutes = minute.Bits;
        _hours = hour.Bits;
        _days = day.Bits;
        _months = month.Bits;
        // Both 0 and 7 are Sunday.
        _weekdays = (weekday.Bits | (weekday.Bits >> 7)) & 0x7f;
        _eitherDay = !day.IsAny && !weekday.IsAny;
    }

    /// <summary>Parses an expression that names at least one date.</summary>
    /// <param name="text">Five fields, separated by white space.</param>
    /// <param name="cron">The expression, when it is one.</param>
    /// <param name="problem">What is wrong, when it is none.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out CronExpression? cron, out string problem)
    {
        cron = null;
        var parts = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length != 5)
        {
            problem =
                $"expected exactly 5 fields (minute, hour, day of month, month, day of week), found {parts.Length}";
            return false;
        }

        if (
            !TryField(parts[0], "minute", 0, 59, [], 0, out var minute, out problem)
            || !TryField(parts[1], "hour", 0, 23, [], 0, out var hour, out problem)
            || !TryField(parts[2], "day of month", 1, 31, [], 0, out var day, out problem)
            || !TryField(parts[3], "month", 1, 12, Months, 1, out var month, out problem)
            || !TryField(parts[4], "day of week", 0, 7, Weekdays, 0, out var weekday, out problem)
        )
        {
            return false;
        }

        var parsed = new CronExpression(minute, hour, day, month, weekday);
        if (parsed.After(DateTimeOffset.UnixEpoch) is null)
        {
            problem = "it names no date that exists";
            return false;
        }

        cron = parsed;
        return true;
    }

    /// <summary>The first time after <paramref name="time"/>, a whole minute in UTC; null when there is none within reach.</summary>
    public DateTimeOffset? After(DateTimeOffset time)
    {
        var start = time.UtcDateTime;
        var at = new DateTime(start.Year, start.Month, start.Day, start.Hour, start.Minute, 0, DateTimeKind.Utc);
        if (at > DateTime.MaxValue.AddYears(-YearsAhead - 1))
        {
            return null;
        }

        at = at.AddMinutes(1);
        var end = at.AddYears(YearsAhead);
        while (at < end)
        {
            if (!Has(_months, at.Month))
            {
                at = new DateTime(at.Year, at.Month, 1, 0, 0, 0, DateTimeKind.Utc).AddMonths(1);
            }
            else if (!IsDay(at))
            {
                at = at.Date.AddDays(1);
            }
            else if (!Has(_hours, at.Hour))
            {
                at = at.Date.AddHours(at.Hour + 1);
            }
            else if ((_minutes >> at.Minute) is var later && (later & 1) == 0)
            {
                at = later == 0 ? at.Date.AddHours(at.Hour + 1) : at.AddMinutes(BitOperations.TrailingZeroCount(later));
            }
            else
            {
                return new DateTimeOffset(at, TimeSpan.Zero);
            }
        }

        return null;
    }

    private bool IsDay(DateTime at)
    {
        var day = Has(_days, at.Day);
        var weekday = Has(_weekdays, (int)at.DayOfWeek);
        return _eitherDay ? day || weekday : day && weekday;
    }

    private static bool Has(ulong bits, int value) => (bits >> value & 1) == 1;

    private static bool TryField(
        string text,
        string name,
        int low,
        int high,
        string[] names,
        int firstName,
        out Field field,
        out string problem
    )
    {
        field = default;
        problem = "";
        foreach (var part in text.Split(','))
        {
            if (!TryPart(part, low, high, names, firstName, out var found))
            {
                problem =
                    $"\"{part}\" is no {name}: expected *, or numbers from {low} to {high} as N, N-M, */S or N-M/S";
                return false;
            }

            field = new Field(field.Bits | found.Bits, field.IsAny || found.IsAny);
        }

        return true;
    }

    private static bool TryPart(string part, int low, int high, string[] names, int firstName, out Field field)
    {
        field = default;
        var step = 1;
        var slash = part.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0)
        {
            if (!TryNumber(part[(slash + 1)..], out step) || step == 0)
            {
                return false;
            }

            part = part[..slash];
        }

        // Open ends stop at Saturday, so that Sunday is not taken twice.
        var last = Math.Min(high, names == Weekdays ? 6 : high);
        int from,
            to;
        var dash = part.IndexOf('-', StringComparison.Ordinal);
        if (part is "*" or "?")
        {
            (from, to) = (low, last);
        }
        else if (dash >= 0)
        {
            if (
                !TryValue(part[..dash], names, firstName, out from)
                || !TryValue(part[(dash + 1)..], names, firstName, out to)
            )
            {
                return false;
            }
        }
        else if (TryValue(part, names, firstName, out from))
        {
            // N/S means from N on.
            to = slash >= 0 ? Math.Max(last, from) : from;
        }
        else
        {
            return false;
        }

        if (from < low || to > high || from > to)
        {
            return false;
        }

        var bits = 0UL;
        for (var value = from; value <= to; value += step)
        {
            bits |= 1UL << value;
        }

        field = new Field(bits, part is "*" or "?" && step == 1);
        return true;
    }

    private static bool TryValue(string text, string[] names, int firstName, out int value)
    {
        var index = Array.FindIndex(names, name => name.Equals(text, StringComparison.OrdinalIgnoreCase));
        value = index + firstName;
        return index >= 0 || TryNumber(text, out value);
    }

    private static bool TryNumber(string text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= 1_000;

    private readonly record struct Field(ulong Bits, bool IsAny);
}
