using System.Runtime.InteropServices;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>
/// What .NET's files do not offer: locks that say when they fail, and a sync that does.
/// </summary>
internal static partial class Libc
{
    private const string Library = "libc";
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int SetOpenFileLock = 37;

    /// <summary>Takes the whole file for this process's handle, or says that another has it.</summary>
    public static bool TryLockFile(SafeHandle file) => Flock(file, LockExclusive | LockNonBlocking) == 0;

    /// <summary>Takes a range of bytes for writing, in the manner of fcntl, which SQLite's own locks meet.</summary>
    public static bool TryLockRange(SafeHandle file, long start, long length)
    {
        var request = new LockRequest
        {
            Type = LockRequest.Write,
            Start = start,
            Length = length,
        };
        return FcntlLock(file, SetOpenFileLock, ref request) == 0;
    }

    /// <exception cref="IOException">The file is not on the disk. .NET's own flush would not tell.</exception>
    public static void Sync(SafeHandle file, string path)
    {
        if (FSync(file) != 0)
        {
            throw new IOException($"{path} cannot be synced: {Marshal.GetLastPInvokeErrorMessage()}.");
        }
    }

    /// <summary>Makes the names in a folder durable.</summary>
    public static void SyncFolder(string path)
    {
        const int ReadOnlyDirectory = 0x10000 | 0x80000;
        using var folder = Open(path, ReadOnlyDirectory);
        if (folder.IsInvalid)
        {
            throw new IOException($"{path} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}.");
        }

        Sync(folder, path);
    }

    [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeHandle file, int operation);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FcntlLock(SafeHandle file, int command, ref LockRequest request);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeHandle file);

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial Microsoft.Win32.SafeHandles.SafeFileHandle Open(string path, int flags);

    /// <summary><c>struct flock</c> on 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct LockRequest
    {
        public const short Write = 1;

        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int ProcessId;
    }
}
