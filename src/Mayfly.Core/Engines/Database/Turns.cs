using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary>
/// Lets only as many requests work on one database at once as it is allowed connections, and only as many wait as may hope
/// to be served. While the database is away, those that wait are told so at once: a broken or slow database holds up
/// nobody but its own users, and those not for long. Safe for concurrent use.
/// </summary>
internal sealed class Turns(int atOnce, TimeProvider time) : IDisposable
{
    private const int MaxWaiting = 4_096;

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestTurn = TimeSpan.FromSeconds(60);

    /// <summary>How long nobody asks a database again that was away.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _slots = new(atOnce);
    private int _waiting;
    private volatile Absence? _absence;

    /// <summary>Does <paramref name="work"/> when its turn has come.</summary>
    /// <returns>
    /// What it says; or that there was no turn or the database is away, with <see cref="Fault.NothingMade"/>; or that it took too
    /// long.
    /// </returns>
    public async ValueTask<Fault?> TakeAsync(
        Func<CancellationToken, ValueTask<Fault?>> work,
        CancellationToken cancellation
    )
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > MaxWaiting)
            {
                return NoTurn($"more than {MaxWaiting} requests wait for this database; try again later");
            }

            if (!await _slots.WaitAsync(LongestWait, cancellation))
            {
                return NoTurn(
                    $"the database is busy: no connection was free for {LongestWait.TotalSeconds} seconds; "
                        + "raise max_open_connections, or try again later"
                );
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        try
        {
            return _absence is { } absence && time.GetElapsedTime(absence.Since) < Pause
                ? absence.Fault with
                {
                    NothingMade = true,
                }
                : await WorkAsync(work, cancellation);
        }
        finally
        {
            _slots.Release();
        }
    }

    public void Dispose() => _slots.Dispose();

    private static Fault NoTurn(string message) => Fault.Unavailable(message) with { NothingMade = true };

    private async ValueTask<Fault?> WorkAsync(
        Func<CancellationToken, ValueTask<Fault?>> work,
        CancellationToken cancellation
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(LongestTurn);
        Fault? fault;
        try
        {
            fault = await work(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            fault = Fault.Unavailable($"the database did not answer within {LongestTurn.TotalSeconds} seconds");
        }

        _absence = fault is { Kind: FaultKind.Unavailable } ? new Absence(fault, time.GetTimestamp()) : null;
        return fault;
    }

    /// <param name="Fault">What the database said.</param>
    /// <param name="Since">When, on the clock that nobody sets.</param>
    private sealed record Absence(Fault Fault, long Since);
}
