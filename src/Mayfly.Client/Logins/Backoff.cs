using System.Security.Cryptography;

namespace Mayfly.Client.Logins;

/// <summary>Waits between tries, spread so that many clients do not come together.</summary>
internal static class Backoff
{
    /// <summary>A point between <paramref name="from"/> and <paramref name="to"/>.</summary>
    public static TimeSpan Between(TimeSpan from, TimeSpan to) =>
        from + (to - from) * (RandomNumberGenerator.GetInt32(1 << 20) / (double)(1 << 20));

    /// <summary>Doubles with each failure, with half of it random.</summary>
    public static TimeSpan After(int failures, TimeSpan first, TimeSpan longest)
    {
        var ceiling = first * Math.Pow(2, Math.Clamp(failures - 1, 0, 30));
        ceiling = ceiling < longest ? ceiling : longest;
        return Between(ceiling / 2, ceiling);
    }
}
