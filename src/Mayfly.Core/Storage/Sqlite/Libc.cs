using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>
/// What .NET's files do not offer: locks that say when they fail, and a sync that does.
/// </summary>
internal static partial class Libc
{
    private const string Library = "libc";
    private const int ReadWrite = 2;
    private const int CreateFile = 0x40;
    private const int CloseOnExec = 0x80000;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int Unlock = 8;
    private const int SetOpenFileLock = 37;

    /// <summary>
    /// Opens a file for reading and writing; a new one is the owner's alone from the first moment. (.NET's own open takes a
    /// lock that would stand in the way of ours.)
    /// </summary>
    /// <exception cref="StoreUnavailableException">The system refuses.</exception>
    public static SafeFileHandle OpenFile(string path, bool create)
    {
        const int OwnerOnly = 0x180;
        var file = Open(path, ReadWrite | CloseOnExec | (create ? CreateFile : 0), OwnerOnly);
        return file.IsInvalid
            ? throw new StoreUnavailableException($"{path} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}.")
            : file;
    }

    /// <summary>Takes the whole file for this process's handle, or says that another has it.</summary>
    public static bool TryLockFile(SafeHandle file) => Flock(file, LockExclusive | LockNonBlocking) == 0;

    /// <summary>
    /// Gives the file back at once. Closing alone would leave the lock to a child process that is just being started and
    /// has not closed its copy of the handle yet.
    /// </summary>
    public static void UnlockFile(SafeHandle file) => _ = Flock(file, Unlock);

    /// <summary>Takes a range of bytes for writing, in the manner of fcntl, which SQLite's own locks meet.</summary>
    public static bool TryLockRange(SafeHandle file, long start, long length) =>
        SetRange(file, LockRequest.Write, start, length);

    public static void UnlockRange(SafeHandle file, long start, long length) =>
        SetRange(file, LockRequest.Unlock, start, length);

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
        using var folder = Open(path, CloseOnExec, 0);
        if (folder.IsInvalid)
        {
            throw new IOException($"{path} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}.");
        }

        Sync(folder, path);
    }

    private static bool SetRange(SafeHandle file, short type, long start, long length)
    {
        var request = new LockRequest
        {
            Type = type,
            Start = start,
            Length = length,
        };
        return FcntlLock(file, SetOpenFileLock, ref request) == 0;
    }

    [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeHandle file, int operation);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FcntlLock(SafeHandle file, int command, ref LockRequest request);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeHandle file);

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags, int mode);

    /// <summary><c>struct flock</c> on 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct LockRequest
    {
        public const short Write = 1;
        public const short Unlock = 2;

        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int ProcessId;
    }
}
