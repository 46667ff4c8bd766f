using System.Security.Cryptography;

namespace Mayfly.Core.Rotation;

/// <summary>How long until what failed is tried again: doubling from first to longest, and up to a quarter more by chance.</summary>
internal static class Backoff
{
    /// <summary>No pause is longer.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(1) * 1.25;

    private static readonly TimeSpan FirstAttempt = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestAttempt = TimeSpan.FromHours(1);
    private static readonly TimeSpan FirstStep = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestStep = TimeSpan.FromMinutes(5);

    /// <summary>After so many attempts in a row that went back.</summary>
    public static TimeSpan OfAttempt(int failures) => Of(FirstAttempt, LongestAttempt, failures);

    /// <summary>After so many failures in a row of a step that must not fail: more eager, since it stands half-way.</summary>
    public static TimeSpan OfStep(int failures) => Of(FirstStep, LongestStep, failures);

    private static TimeSpan Of(TimeSpan first, TimeSpan longest, int failures)
    {
        var pause = first * Math.Pow(2, Math.Clamp(failures - 1, 0, 20));
        pause = pause < longest ? pause : longest;
        return pause * (1 + RandomNumberGenerator.GetInt32(250) / 1000.0);
    }
}
