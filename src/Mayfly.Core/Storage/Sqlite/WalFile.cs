using System.Runtime.InteropServices;
using SQLitePCL;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>
/// One connection's open WAL. SQLite checks the WAL's own checksums only when it recovers; here each later read is
/// verified too. And SQLite writes a frame with two system calls; here a whole transaction goes out with one, before
/// the sync. Used by one thread at a time, like the connection.
/// </summary>
internal sealed unsafe class WalFile(DatabaseFiles shared, VfsFile* real) : IDisposable
{
    private const int HeaderSize = 32;
    private const int FrameHeaderSize = 24;
    private const int FrameSize = FrameHeaderSize + MainFile.PageSize;
    private const int BufferSize = 256 * FrameSize;

    // The system's VFS takes the length of a write modulo 128 KiB.
    private const int LargestWrite = 31 * FrameSize;
    private const long Nothing = long.MaxValue;

    private byte* _buffer;
    private int _buffered;
    private long _bufferStart;
    private long _unsynced = Nothing;

    public VfsFile* Real => real;

    public int Read(byte* buffer, int count, long offset)
    {
        var flushed = Flush();
        if (flushed != raw.SQLITE_OK)
        {
            return flushed;
        }

        var result = real->Methods->Read(real, buffer, count, offset);
        if (result != raw.SQLITE_OK)
        {
            return result;
        }

        var within = (offset - HeaderSize) % FrameSize;
        if (count == MainFile.PageSize && offset > HeaderSize && within == FrameHeaderSize)
        {
            return Verify(buffer, FrameOf(offset), mustBeKnown: true);
        }

        if (count == FrameSize && offset >= HeaderSize && within == 0)
        {
            return Verify(buffer + FrameHeaderSize, FrameOf(offset), mustBeKnown: false);
        }

        return raw.SQLITE_OK;
    }

    public int Write(byte* buffer, int count, long offset)
    {
        _unsynced = Math.Min(_unsynced, offset);
        shared.WalBytes = offset == 0 ? count : Math.Max(shared.WalBytes, offset + count);
        if (count == MainFile.PageSize && offset > HeaderSize)
        {
            var page = new ReadOnlySpan<byte>(buffer, count);
            shared.SetFrameChecksum(FrameOf(offset), PageChecksum.Compute(page, FrameOf(offset)));
        }

        if (_buffered > 0 && (offset != _bufferStart + _buffered || _buffered + count > BufferSize))
        {
            var flushed = Flush();
            if (flushed != raw.SQLITE_OK)
            {
                return flushed;
            }
        }

        if (_buffer is null)
        {
            _buffer = (byte*)NativeMemory.Alloc(BufferSize);
        }

        if (_buffered == 0)
        {
            _bufferStart = offset;
        }

        new ReadOnlySpan<byte>(buffer, count).CopyTo(new Span<byte>(_buffer + _buffered, count));
        _buffered += count;
        return raw.SQLITE_OK;
    }

    /// <summary>
    /// Writes out and syncs. When that fails the transaction is refused, so its first frame is wiped: otherwise a recovery
    /// after a crash could bring back what the caller was told is not written.
    /// </summary>
    public int Sync(int flags)
    {
        var result = Flush();
        if (result == raw.SQLITE_OK)
        {
            result = real->Methods->Sync(real, flags);
        }

        if (result == raw.SQLITE_OK)
        {
            _unsynced = Nothing;
        }
        else if (_unsynced != Nothing)
        {
            var zeros = stackalloc byte[HeaderSize];
            new Span<byte>(zeros, HeaderSize).Clear();
            _ = real->Methods->Write(real, zeros, _unsynced == 0 ? HeaderSize : FrameHeaderSize, _unsynced);
        }

        return result;
    }

    public int Flush()
    {
        if (_buffered == 0)
        {
            return raw.SQLITE_OK;
        }

        var count = _buffered;
        _buffered = 0;
        for (var done = 0; done < count; done += LargestWrite)
        {
            var length = Math.Min(LargestWrite, count - done);
            var result = real->Methods->Write(real, _buffer + done, length, _bufferStart + done);
            if (result != raw.SQLITE_OK)
            {
                return result;
            }
        }

        return raw.SQLITE_OK;
    }

    public void Dispose() => NativeMemory.Free(_buffer);

    private static int FrameOf(long offset) => (int)((offset - HeaderSize) / FrameSize);

    private int Verify(byte* page, int frame, bool mustBeKnown)
    {
        var actual = PageChecksum.Compute(new ReadOnlySpan<byte>(page, MainFile.PageSize), frame);
        var expected = shared.FrameChecksum(frame);
        if (expected == 0 && !mustBeKnown)
        {
            // A recovery, which checks the frame by SQLite's own checksum before it counts.
            shared.SetFrameChecksum(frame, actual);
            shared.WalBytes = Math.Max(shared.WalBytes, HeaderSize + ((frame + 1L) * FrameSize));
            return raw.SQLITE_OK;
        }

        if (expected == actual)
        {
            return raw.SQLITE_OK;
        }

        DatabaseFiles.ReportDamage($"{shared.Path}-wal, frame {frame + 1}, does not match its checksum");
        return SqliteLibrary.IoErrorData;
    }
}
