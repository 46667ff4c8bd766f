namespace Mayfly.Client.Logins;

/// <summary>A login and the instants of its life, on the monotonic clock: setting the time of day does not move them.</summary>
internal sealed class HeldLogin
{
    private readonly TimeProvider _time;
    private readonly long _asked;

    // asked: a timestamp from before the request. The token cannot live shorter than from there.
    public HeldLogin(Login login, TimeProvider time, long asked, bool isNearItsEnd = false)
    {
        Login = login;
        IsNearItsEnd = isNearItsEnd;
        _time = time;
        _asked = asked;
        // A tenth of spread, so that programs that were started together do not come together.
        Attend = Backoff.Between(login.LeaseDuration * 0.6, login.LeaseDuration * (2.0 / 3));
    }

    public Login Login { get; }

    /// <summary>Its life cannot be prolonged as far as before: the maximum is near.</summary>
    public bool IsNearItsEnd { get; }

    public bool Expires => Login.LeaseDuration > TimeSpan.Zero;

    public bool IsExpired => Expires && Age >= Login.LeaseDuration;

    /// <summary>Until it should be renewed or replaced.</summary>
    public TimeSpan UntilAttention => Expires ? Attend - Age : Timeout.InfiniteTimeSpan;

    public TimeSpan UntilExpiry => Login.LeaseDuration - Age;

    private TimeSpan Attend { get; }

    private TimeSpan Age => _time.GetElapsedTime(_asked);
}
