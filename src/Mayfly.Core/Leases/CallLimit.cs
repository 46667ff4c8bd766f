namespace Mayfly.Core.Leases;

/// <summary>
/// How long an engine may take to end one lease. Calls that follow each other within a second share one limit, since arming one
/// costs more than a quick call. For one call at a time.
/// </summary>
internal sealed class CallLimit(TimeProvider time, CancellationToken cancellation) : IDisposable
{
    /// <summary>The longest that a call may take, and a second less than that at least.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Shared = TimeSpan.FromSeconds(1);

    private CancellationTokenSource? _limit;
    private CancellationTokenSource? _either;
    private long _since;

    /// <summary>To be called before each call, for which the result holds.</summary>
    public CancellationToken Begin()
    {
        if (_either is null || time.GetElapsedTime(_since) > Shared)
        {
            Dispose();
            _since = time.GetTimestamp();
            _limit = new CancellationTokenSource(Longest, time);
            _either = CancellationTokenSource.CreateLinkedTokenSource(_limit.Token, cancellation);
        }

        return _either.Token;
    }

    public void Dispose()
    {
        _either?.Dispose();
        _limit?.Dispose();
    }
}
