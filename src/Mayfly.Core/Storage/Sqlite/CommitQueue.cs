namespace Mayfly.Core.Storage.Sqlite;

/// <summary>Commits on their way to the writer. Any thread adds; one takes.</summary>
internal sealed class CommitQueue(int limit) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Queue<PendingCommit> _waiting = new();
    private readonly ManualResetEventSlim _signal = new();
    private bool _closed;

    public CommitResult? TryAdd(PendingCommit pending)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return CommitResult.Unavailable("The store is closed.");
            }

            if (_waiting.Count >= limit)
            {
                return CommitResult.Unavailable($"The store is overloaded: {limit} writes are waiting.");
            }

            _waiting.Enqueue(pending);
            if (_waiting.Count > 1)
            {
                return null;
            }
        }

        _signal.Set();
        return null;
    }

    /// <summary>Fills <paramref name="group"/> with what waits, up to the limit; false when closed and empty.</summary>
    public bool Take(List<PendingCommit> group, int limit)
    {
        group.Clear();
        while (true)
        {
            lock (_gate)
            {
                while (group.Count < limit && _waiting.TryDequeue(out var pending))
                {
                    group.Add(pending);
                }

                if (group.Count > 0)
                {
                    return true;
                }

                if (_closed)
                {
                    return false;
                }

                _signal.Reset();
            }

            _signal.Wait();
        }
    }

    /// <summary>Refuses new commits; what waits already is still taken.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
        }

        _signal.Set();
    }

    public void Dispose() => _signal.Dispose();
}
