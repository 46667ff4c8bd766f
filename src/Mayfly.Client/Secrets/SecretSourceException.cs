namespace Mayfly.Client.Secrets;

/// <summary>Why a source did not give a secret.</summary>
public enum SecretFailure
{
    /// <summary>No answer: the source is away, too slow, sealed, or broken. It may pass by itself.</summary>
    Unreachable,

    /// <summary>The source asks to be left alone for a while.</summary>
    Throttled,

    /// <summary>There is no such secret, or its current version is deleted.</summary>
    NotFound,

    /// <summary>This identity may not read it, or is not known (any more).</summary>
    Denied,

    /// <summary>The request or the answer makes no sense: a name that is none, an answer that is no secret.</summary>
    Invalid,
}

/// <summary>A source did not give a secret. The message names the secret and the reason, and holds no value.</summary>
/// <param name="reason">Why, for those who branch.</param>
/// <param name="message">Why, and what to do, for people.</param>
/// <param name="inner">What was behind it.</param>
public sealed class SecretSourceException(SecretFailure reason, string message, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public SecretFailure Reason => reason;

    /// <summary>How long the source asks to be left alone; null when it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
