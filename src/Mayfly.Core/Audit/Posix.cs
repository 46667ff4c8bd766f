using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mayfly.Core.Audit;

/// <summary>
/// The system calls that decide whether an entry is on record. .NET's streams hide what they answer (a failed fsync among
/// it) and cannot tell whether a path still leads to the open file.
/// </summary>
internal static partial class Posix
{
    private const int WriteOnly = 1;
    private const int Create = 0x40;
    private const int Append = 0x400;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int SetLockOfDescription = 37;
    private const short WriteLock = 1;
    private const short NoLock = 2;
    private const int EmptyPath = 0x1000;
    private const int CurrentDirectory = -100;
    private const short PollOut = 4;
    private const int Interrupted = 4;
    private const int WouldBlock = 11;
    private const int AccessDenied = 13;

    /// <summary>Opens for appending, without ever blocking on a pipe.</summary>
    public static SafeFileHandle? OpenAppend(string path, UnixFileMode mode, out string? error)
    {
        var handle = Open(path, WriteOnly | Create | Append | NonBlocking | CloseOnExec, (int)mode);
        error = handle.IsInvalid ? Marshal.GetLastPInvokeErrorMessage() : null;
        if (error is null)
        {
            return handle;
        }

        handle.Dispose();
        return null;
    }

    /// <summary>Writes until all is written, an error, or the device would block. <paramref name="done"/> tells how far it got.</summary>
    public static WriteEnd Write(SafeFileHandle handle, ReadOnlySpan<byte> bytes, out int done, out string? error)
    {
        done = 0;
        error = null;
        while (done < bytes.Length)
        {
            var written = Write(handle, bytes[done..], (nuint)(bytes.Length - done));
            if (written >= 0)
            {
                done += (int)written;
                continue;
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case Interrupted:
                    continue;
                case WouldBlock:
                    return WriteEnd.WouldBlock;
                default:
                    error = Marshal.GetLastPInvokeErrorMessage();
                    return WriteEnd.Failed;
            }
        }

        return WriteEnd.Complete;
    }

    /// <summary>Waits until a pipe takes more.</summary>
    public static void WaitWritable(SafeFileHandle handle, int milliseconds)
    {
        var added = false;
        try
        {
            handle.DangerousAddRef(ref added);
            var entry = new PollEntry { Descriptor = (int)handle.DangerousGetHandle(), Events = PollOut };
            _ = Poll(ref entry, 1, milliseconds);
        }
        finally
        {
            if (added)
            {
                handle.DangerousRelease();
            }
        }
    }

    /// <summary>Makes what was written durable; null when it is.</summary>
    public static string? Sync(SafeFileHandle handle) =>
        DataSync(handle) == 0 ? null : Marshal.GetLastPInvokeErrorMessage();

    /// <summary>
    /// Whether no other process writes to the file. The lock is one of the open file description: flock(2) would keep
    /// .NET programs from reading the log. A file system without locks cannot tell, and that is no reason to refuse.
    /// </summary>
    public static bool TryLock(SafeFileHandle handle)
    {
        var range = new LockRange { Type = WriteLock };
        return Control(handle, SetLockOfDescription, ref range) == 0
            || Marshal.GetLastPInvokeError() is not (WouldBlock or AccessDenied);
    }

    /// <summary>
    /// Ends the lock of <see cref="TryLock"/>. Closing alone would not do: a process that is just being started has a copy
    /// of the descriptor until it executes its program.
    /// </summary>
    public static void Unlock(SafeFileHandle handle)
    {
        var range = new LockRange { Type = NoLock };
        _ = Control(handle, SetLockOfDescription, ref range);
    }

    public static FileIdentity? Identify(string path) => StatX(CurrentDirectory, path, 0);

    public static FileIdentity? Identify(SafeFileHandle handle)
    {
        var added = false;
        try
        {
            handle.DangerousAddRef(ref added);
            return StatX((int)handle.DangerousGetHandle(), "", EmptyPath);
        }
        finally
        {
            if (added)
            {
                handle.DangerousRelease();
            }
        }
    }

    private static FileIdentity? StatX(int directory, string path, int flags)
    {
        const uint TypeModeLinksInodeSize = 0x1 | 0x2 | 0x4 | 0x100 | 0x200;
        return StatX(directory, path, flags, TypeModeLinksInodeSize, out var found) == 0
            ? new FileIdentity(
                found.DeviceMajor,
                found.DeviceMinor,
                found.Inode,
                found.Links,
                (found.Mode & 0xF000) == 0x8000,
                (long)found.Size
            )
            : null;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial SafeFileHandle Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Write(SafeFileHandle handle, ReadOnlySpan<byte> bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int DataSync(SafeFileHandle handle);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Control(SafeFileHandle handle, int command, ref LockRange range);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Poll(ref PollEntry entry, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int StatX(int directory, string path, int flags, uint mask, out StatXReply reply);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct LockRange
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Process;
    }

    // The kernel's layout, the same on every architecture; offsets from statx(2).
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct StatXReply
    {
        [FieldOffset(16)]
        public uint Links;

        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(40)]
        public ulong Size;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }
}

/// <summary>How a write ended.</summary>
internal enum WriteEnd
{
    Complete,
    WouldBlock,
    Failed,
}

/// <summary>Which file it is, however it is called.</summary>
internal readonly record struct FileIdentity(
    uint DeviceMajor,
    uint DeviceMinor,
    ulong Inode,
    uint Links,
    bool IsRegular,
    long Size
)
{
    public bool SameFile(FileIdentity other) =>
        Inode == other.Inode && DeviceMajor == other.DeviceMajor && DeviceMinor == other.DeviceMinor;
}
