namespace Mayfly.Client.Logins;

/// <summary>A session could not log in, or not renew its token.</summary>
/// <param name="failure">Why.</param>
/// <param name="isRenewal">It was a renewal.</param>
/// <param name="retryAfter">How long the session waits.</param>
public sealed class LoginFailedEventArgs(MayflyException failure, bool isRenewal, TimeSpan retryAfter) : EventArgs
{
    /// <summary>Why; without secrets.</summary>
    public MayflyException Failure { get; } = failure;

    /// <summary>A renewal failed, and the token may still be alive. Otherwise a login failed.</summary>
    public bool IsRenewal { get; } = isRenewal;

    /// <summary>How long the session waits until it tries again.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}
