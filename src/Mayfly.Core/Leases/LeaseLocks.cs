using System.Collections.Concurrent;

namespace Mayfly.Core.Leases;

/// <summary>Lets one at a time work on a lease, so that it is not renewed while it is being revoked. Safe for concurrent use.</summary>
internal sealed class LeaseLocks
{
    private readonly ConcurrentDictionary<string, Held> _held = new(StringComparer.Ordinal);

    /// <summary>Waits until nobody else works on the lease at <paramref name="path"/>; disposing the result lets the next one.</summary>
    public async ValueTask<IDisposable> HoldAsync(string path, CancellationToken cancellation)
    {
        var own = new Held(this, path);
        while (true)
        {
            var held = _held.GetOrAdd(path, own);
            if (held == own)
            {
                return own;
            }

            await held.Released.WaitAsync(cancellation);
        }
    }

    private sealed class Held(LeaseLocks locks, string path) : IDisposable
    {
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Released => _released.Task;

        public void Dispose()
        {
            if (locks._held.TryRemove(new KeyValuePair<string, Held>(path, this)))
            {
                _released.SetResult();
            }
        }
    }
}
