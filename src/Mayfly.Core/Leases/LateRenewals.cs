using System.Collections.Concurrent;

namespace Mayfly.Core.Leases;

/// <summary>
/// The leases whose renewal was stored when their old end had passed already. Whoever has read one as due may have read it as it
/// was before, and must look again; of all others it is known that nobody has prolonged them since. Safe for concurrent use.
/// </summary>
/// <remarks>
/// A renewal adds its lease while it holds the lease's lock, after its commit. What was read as due and without the renewal was read before that
/// commit and after the old end; so whoever gets the lock afterwards finds the lease here.
/// </remarks>
internal sealed class LateRenewals(TimeProvider time)
{
    /// <summary>How long one is remembered. Whoever has read a lease longer ago than half of it looks again in any case.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, long> _added = new(StringComparer.Ordinal);

    /// <summary>Remembers that the lease at <paramref name="path"/> was renewed late.</summary>
    public void Add(string path)
    {
        foreach (var (old, at) in _added)
        {
            if (time.GetElapsedTime(at) > Kept)
            {
                _added.TryRemove(new(old, at));
            }
        }

        _added[path] = time.GetTimestamp();
    }

    /// <summary>Whether a lease that was read as due may have been renewed since.</summary>
    /// <param name="path">Of the lease, whose lock is held.</param>
    /// <param name="readAt">About when it was read, as a timestamp of the clock that nobody sets.</param>
    public bool MayHold(string path, long readAt) => _added.ContainsKey(path) || time.GetElapsedTime(readAt) > Kept / 2;
}
