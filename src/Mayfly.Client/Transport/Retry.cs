using System.Net.Http.Headers;
using System.Security.Cryptography;

namespace Mayfly.Client.Transport;

/// <summary>Which requests are sent again, and when.</summary>
internal static class Retry
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    /// <summary>
    /// 429 and 5xx pass by themselves; 501 (not implemented, not initialised) and a seal do not, and the health
    /// endpoint uses these codes to say something. After a 5xx a write may have had its effect; after 429 it had none.
    /// </summary>
    public static bool IsWorthwhile(MayflyRequest request, MayflyResponse response) =>
        (response.Status == 429 || (request.ChangesNothing && response.Status is >= 500 and not 501))
        && !(
            response.Status == 503
            && response.Errors is [.., var error]
            && error.EndsWith("sealed", StringComparison.Ordinal)
        )
        && !request.Path.StartsWith("sys/health", StringComparison.Ordinal);

    /// <summary>
    /// A connection that could not be made has carried nothing, so that every request may be sent again; one that broke may
    /// have carried it. Silence until the time limit and a certificate that is not trusted stay as they are.
    /// </summary>
    public static bool IsWorthwhile(MayflyRequest request, Exception failure) =>
        failure switch
        {
            HttpRequestException
            {
                HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
            } => true,
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => false,
            HttpRequestException => request.ChangesNothing,
            _ => false,
        };

    /// <summary>
    /// Doubles, with half of it random, so that many clients do not come back together; longer when the server asks for it.
    /// Null when it asks for more than <paramref name="longest"/>: then its answer is worth more than the wait.
    /// </summary>
    public static TimeSpan? Delay(int attempt, TimeSpan? retryAfter, TimeSpan longest)
    {
        var jittered = Delay(attempt);
        jittered = jittered < longest ? jittered : longest;
        return retryAfter is not { } asked || asked <= jittered ? jittered
            : asked <= longest ? asked
            : null;
    }

    /// <summary>Doubles, with half of it random.</summary>
    public static TimeSpan Delay(int attempt)
    {
        var ceiling = First * Math.Pow(2, Math.Min(attempt, 16));
        ceiling = ceiling < Longest ? ceiling : Longest;
        var half = (int)(ceiling.TotalMilliseconds / 2);
        return TimeSpan.FromMilliseconds(half + RandomNumberGenerator.GetInt32(half + 1));
    }

    /// <summary>What <c>Retry-After</c> asks for, which is seconds or a date; not negative.</summary>
    public static TimeSpan? Asked(RetryConditionHeaderValue? header, TimeProvider time)
    {
        var asked = header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : null);
        return asked < TimeSpan.Zero ? TimeSpan.Zero : asked;
    }
}
