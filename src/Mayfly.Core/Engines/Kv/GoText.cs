using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Mayfly.Core.Engines.Kv;

/// <summary>Times and durations as Go prints them, since clients parse and compare these texts.</summary>
internal static class GoText
{
    /// <summary>The longest time: <c>2026-01-01T00:00:00.1234567Z</c>.</summary>
    public const int MaxTimeLength = 28;

    /// <summary>RFC 3339 in UTC with as many decimals as needed; nothing for 0, which means "not set".</summary>
    /// <returns>The number of bytes written.</returns>
    public static int WriteTime(long utcTicks, Span<byte> to)
    {
        if (utcTicks == 0)
        {
            return 0;
        }

        var time = new DateTime(utcTicks, DateTimeKind.Utc);
        Digits(to, 0, 4, time.Year);
        to[4] = (byte)'-';
        Digits(to, 5, 2, time.Month);
        to[7] = (byte)'-';
        Digits(to, 8, 2, time.Day);
        to[10] = (byte)'T';
        Digits(to, 11, 2, time.Hour);
        to[13] = (byte)':';
        Digits(to, 14, 2, time.Minute);
        to[16] = (byte)':';
        Digits(to, 17, 2, time.Second);
        var length = 19;
        var fraction = (int)(utcTicks % TimeSpan.TicksPerSecond);
        if (fraction != 0)
        {
            var decimals = 7;
            for (; fraction % 10 == 0; fraction /= 10)
            {
                decimals--;
            }

            to[length] = (byte)'.';
            Digits(to, length + 1, decimals, fraction);
            length += 1 + decimals;
        }

        to[length] = (byte)'Z';
        return length + 1;
    }

    /// <inheritdoc cref="WriteTime"/>
    public static string Time(long utcTicks)
    {
        Span<byte> text = stackalloc byte[MaxTimeLength];
        return Encoding.ASCII.GetString(text[..WriteTime(utcTicks, text)]);
    }

    /// <summary>As in <c>3h25m19s</c>, <c>1.5s</c>, <c>250ms</c>, <c>0s</c>.</summary>
    public static string Duration(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero)
        {
            return "0s";
        }

        var sign = duration < TimeSpan.Zero ? "-" : "";
        var ticks = Math.Abs(duration.Ticks);
        if (ticks < TimeSpan.TicksPerSecond)
        {
            return ticks >= TimeSpan.TicksPerMillisecond ? $"{sign}{Decimal(ticks, TimeSpan.TicksPerMillisecond)}ms"
                : ticks >= TimeSpan.TicksPerMicrosecond ? $"{sign}{Decimal(ticks, TimeSpan.TicksPerMicrosecond)}µs"
                : $"{sign}{ticks * TimeSpan.NanosecondsPerTick}ns";
        }

        var hours = ticks / TimeSpan.TicksPerHour;
        var minutes = ticks / TimeSpan.TicksPerMinute % 60;
        var seconds = Decimal(ticks % TimeSpan.TicksPerMinute, TimeSpan.TicksPerSecond);
        return hours > 0 ? $"{sign}{hours}h{minutes}m{seconds}s"
            : minutes > 0 ? $"{sign}{minutes}m{seconds}s"
            : $"{sign}{seconds}s";
    }

    private static string Decimal(long ticks, long unit) =>
        ((decimal)ticks / unit).ToString("0.#######", CultureInfo.InvariantCulture);

    private static void Digits(Span<byte> to, int at, int count, int value) =>
        Utf8Formatter.TryFormat(value, to.Slice(at, count), out _, new System.Buffers.StandardFormat('D', (byte)count));
}
