namespace Mayfly.Agent.Rendering;

/// <summary>
/// Collects, a moment after something has changed, what changing it allocated. Between changes an agent allocates next to nothing, so
/// that the runtime would let garbage pile up for days. Not at once: what is in use at that moment would count as long-lived.
/// Safe for concurrent use.
/// </summary>
#pragma warning disable CA1001 // A semaphore whose handle is never asked for holds none.
internal sealed class Leftovers(TimeProvider time)
#pragma warning restore CA1001
{
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    /// <summary>Collecting takes at most this part of the time, however much the agent holds.</summary>
    private const int Share = 50;

    private readonly SemaphoreSlim _changed = new(0, 1);

    /// <summary>Something has changed.</summary>
    public void Notice()
    {
        try
        {
            _changed.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is known already.
        }
    }

    /// <summary>Collects until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            await _changed.WaitAsync(stop);
            await Task.Delay(Moment, time, stop);
            _changed.Wait(0, CancellationToken.None);
            var began = time.GetTimestamp();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            await Task.Delay(time.GetElapsedTime(began) * Share, time, stop);
        }
    }
}
