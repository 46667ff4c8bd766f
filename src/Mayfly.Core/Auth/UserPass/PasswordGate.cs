namespace Mayfly.Core.Auth.UserPass;

/// <summary>
/// Lets only as many passwords be hashed at once as leave half of the processors to everything else, and only as many
/// wait as can be served soon: a flood of logins slows logins, not the server. One for the whole process, since the
/// processors are. Safe for concurrent use.
/// </summary>
internal static class PasswordGate
{
    private const int MaxWaiting = 64;

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(15);
    private static readonly SemaphoreSlim Slots = new(Math.Max(1, Environment.ProcessorCount / 2));
    private static int _waiting;

    /// <summary>Runs <paramref name="work"/> on another thread when its turn has come.</summary>
    /// <returns>Null when too many are waiting already, or the turn did not come in time; the work was then not done.</returns>
    public static async ValueTask<T?> RunAsync<T>(Func<T> work, CancellationToken cancellation)
        where T : class
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > MaxWaiting || !await Slots.WaitAsync(LongestWait, cancellation))
            {
                return null;
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        try
        {
            return await Task.Run(work, CancellationToken.None);
        }
        finally
        {
            Slots.Release();
        }
    }
}
