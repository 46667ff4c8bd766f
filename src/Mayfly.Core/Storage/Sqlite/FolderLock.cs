using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>
/// One server per data folder: a lock on a file in it, which the kernel releases when the process ends in whatever way.
/// And no other SQLite program on the data file meanwhile: it would not see our locks, which are in memory.
/// </summary>
internal sealed class FolderLock : IDisposable
{
    // Where SQLite's own programs lock the main file.
    private const long SqliteLockStart = 0x40000000;
    private const long SqliteLockLength = 512;

    private readonly SafeFileHandle _lock;
    private SafeFileHandle? _data;

    private FolderLock(SafeFileHandle file) => _lock = file;

    /// <exception cref="StoreUnavailableException">Another server uses the folder.</exception>
    public static FolderLock Take(string folder)
    {
        var path = Path.Combine(folder, "lock");
        var file = Libc.OpenFile(path, create: true);
        if (!Libc.TryLockFile(file))
        {
            var owner = new byte[16];
            var length = RandomAccess.Read(file, owner, 0);
            file.Dispose();
            throw new StoreUnavailableException(
                $"Another server (process {Encoding.ASCII.GetString(owner.AsSpan(0, length)).Trim()}) uses the data folder {folder}. Stop it first, or choose another folder."
            );
        }

        RandomAccess.SetLength(file, 0);
        RandomAccess.Write(file, Encoding.ASCII.GetBytes(Environment.ProcessId + "\n"), 0);
        return new FolderLock(file);
    }

    /// <exception cref="StoreUnavailableException">Another program has the data file open.</exception>
    public void TakeDataFile(string path)
    {
        _data = Libc.OpenFile(path, create: false);
        if (!Libc.TryLockRange(_data, SqliteLockStart, SqliteLockLength))
        {
            throw new StoreUnavailableException($"Another program has {path} open. Close it first.");
        }
    }

    public void Dispose()
    {
        if (_data is not null)
        {
            Libc.UnlockRange(_data, SqliteLockStart, SqliteLockLength);
            _data.Dispose();
        }

        Libc.UnlockFile(_lock);
        _lock.Dispose();
    }
}
