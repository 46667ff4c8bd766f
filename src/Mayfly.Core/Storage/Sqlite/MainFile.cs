using System.Runtime.InteropServices;
using SQLitePCL;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>
/// One connection's open main database file: stamps each page that it writes, verifies each page that it reads. Used by
/// one thread at a time, like the connection.
/// </summary>
internal sealed unsafe class MainFile(DatabaseFiles shared, VfsFile* real) : IDisposable
{
    public const int PageSize = 4096;

    private readonly byte* _page = (byte*)NativeMemory.Alloc(PageSize);

    public DatabaseFiles Shared => shared;

    public VfsFile* Real => real;

    // Guarded by the lock inside Shared.
    public int Level { get; set; }

    public int SharedSlots { get; set; }

    public int ExclusiveSlots { get; set; }

    public int Read(byte* buffer, int count, long offset)
    {
        if (count == PageSize && offset % PageSize == 0)
        {
            var result = real->Methods->Read(real, buffer, count, offset);
            return result == raw.SQLITE_OK ? Verify(buffer, offset) : result;
        }

        return ReadPart(buffer, count, offset);
    }

    public int Write(byte* buffer, int count, long offset)
    {
        if (count != PageSize || offset % PageSize != 0)
        {
            return SqliteLibrary.IoErrorWrite;
        }

        // In a copy, since the buffer is SQLite's.
        var page = new Span<byte>(_page, PageSize);
        new ReadOnlySpan<byte>(buffer, PageSize).CopyTo(page);
        PageChecksum.Stamp(page, offset);
        return real->Methods->Write(real, _page, PageSize, offset);
    }

    /// <summary>
    /// SQLite looks at parts of the first page when it opens the file: before it knows the page size, and before it takes a
    /// lock. So the writer may be replacing that page; what was torn is read again.
    /// </summary>
    private int ReadPart(byte* buffer, int count, long offset)
    {
        const int Attempts = 100;
        var start = offset - (offset % PageSize);
        var within = (int)(offset - start);
        for (var attempt = 1; ; attempt++)
        {
            if (within + count > PageSize || real->Methods->Read(real, _page, PageSize, start) != raw.SQLITE_OK)
            {
                return real->Methods->Read(real, buffer, count, offset);
            }

            if (PageChecksum.Verify(new ReadOnlySpan<byte>(_page, PageSize), start) || attempt == Attempts)
            {
                break;
            }

            Thread.Yield();
        }

        var result = Verify(_page, start);
        if (result == raw.SQLITE_OK)
        {
            new Span<byte>(_page + within, count).CopyTo(new Span<byte>(buffer, count));
        }

        return result;
    }

    public void Dispose() => NativeMemory.Free(_page);

    private int Verify(byte* page, long offset)
    {
        if (PageChecksum.Verify(new ReadOnlySpan<byte>(page, PageSize), offset))
        {
            return raw.SQLITE_OK;
        }

        DatabaseFiles.ReportDamage(
            $"{shared.Path}, page {offset / PageSize + 1} (bytes {offset} to {offset + PageSize - 1}), does not match its checksum"
        );
        return SqliteLibrary.IoErrorData;
    }
}
