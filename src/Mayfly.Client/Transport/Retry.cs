using System.Security.Cryptography;

namespace Mayfly.Client.Transport;

internal static class Retry
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    /// <summary>
    /// 429 and 5xx pass by themselves; 501 (not implemented, not initialised) and a seal do not, and the health
    /// endpoint uses these codes to say something.
    /// </summary>
    public static bool IsWorthwhile(MayflyRequest request, MayflyResponse response) =>
        request.MayRepeat
        && response.Status is 429 or (>= 500 and not 501)
        && !(
            response.Status == 503
            && response.Errors is [.., var error]
            && error.EndsWith("sealed", StringComparison.Ordinal)
        )
        && !request.Path.StartsWith("sys/health", StringComparison.Ordinal);

    /// <summary>Doubles, with half of it random, so that many clients do not come back together.</summary>
    public static TimeSpan Delay(int attempt, TimeSpan? retryAfter)
    {
        var ceiling = First * Math.Pow(2, Math.Min(attempt, 16));
        ceiling = ceiling < Longest ? ceiling : Longest;
        var half = (int)(ceiling.TotalMilliseconds / 2);
        var jittered = TimeSpan.FromMilliseconds(half + RandomNumberGenerator.GetInt32(half + 1));
        return retryAfter is { } asked && asked > jittered ? (asked < Longest ? asked : Longest) : jittered;
    }
}
