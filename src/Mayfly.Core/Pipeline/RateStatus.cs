namespace Mayfly.Core.Pipeline;

/// <summary>What a rate limit says to a request.</summary>
/// <param name="Allowed">The request may go on.</param>
/// <param name="Limit">How many requests the client may make in an interval.</param>
/// <param name="Remaining">How many could follow at once.</param>
/// <param name="Reset">How long until the whole limit is there again.</param>
/// <param name="RetryAfter">How long to wait before the next request; zero when this one was allowed.</param>
public readonly record struct RateStatus(bool Allowed, long Limit, long Remaining, TimeSpan Reset, TimeSpan RetryAfter);
