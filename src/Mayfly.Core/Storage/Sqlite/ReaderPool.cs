using System.Collections.Concurrent;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>Read connections, opened as they are needed up to a limit. Safe for concurrent use.</summary>
internal sealed class ReaderPool(string path, SqliteStoreOptions options) : IDisposable
{
    private readonly ConcurrentStack<SqliteReader> _idle = new();
    private readonly SemaphoreSlim _permits = new(options.Readers, options.Readers);
    private volatile bool _disposed;

    /// <summary>Waits only when every reader is busy.</summary>
    public async ValueTask<Lease> RentAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (!_permits.Wait(0, CancellationToken.None))
        {
            await _permits.WaitAsync(cancellation);
        }

        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return new Lease(this, _idle.TryPop(out var idle) ? idle : new SqliteReader(path, options));
        }
        catch
        {
            _permits.Release();
            throw;
        }
    }

    /// <summary>Waits for running reads, which are short, and closes all connections.</summary>
    public void Dispose()
    {
        _disposed = true;
        for (var i = 0; i < options.Readers; i++)
        {
            _permits.Wait();
        }

        while (_idle.TryPop(out var reader))
        {
            reader.Dispose();
        }

        _permits.Release(options.Readers);
    }

    private void Return(SqliteReader reader)
    {
        _idle.Push(reader);
        _permits.Release();
    }

    /// <summary>A reader until it is disposed.</summary>
    public readonly struct Lease(ReaderPool pool, SqliteReader reader) : IDisposable
    {
        public SqliteReader Reader => reader;

        public void Dispose() => pool.Return(reader);
    }
}
