using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>
/// A layer between SQLite and the file system ("VFS" in its words) around the system's own. It guards every page by a
/// checksum (<see cref="MainFile"/>, <see cref="WalFile"/>), and keeps locks and WAL index in memory
/// (<see cref="DatabaseFiles"/>). Here are only the registration and the entry points that SQLite calls.
/// </summary>
internal static unsafe class ChecksumVfs
{
    public const string Name = "mayfly";

    private const int OpenMainDatabase = 0x100;
    private const int OpenWal = 0x80000;
    private const string WalSuffix = "-wal";

    private static readonly ConcurrentDictionary<string, DatabaseFiles> Databases = new();

    private static Vfs* s_system;
    private static IoMethods* s_main;
    private static IoMethods* s_wal;

    public static void Register()
    {
        s_system = SqliteLibrary.VfsFind(null);
        s_main = MainMethods();
        s_wal = WalMethods();
        var vfs = (Vfs*)NativeMemory.Alloc((nuint)sizeof(Vfs));
        *vfs = *s_system;
        vfs->Version = Math.Min(s_system->Version, 3);
        vfs->FileSize = sizeof(VfsFile) + s_system->FileSize;
        vfs->Next = null;
        vfs->Name = (byte*)Marshal.StringToCoTaskMemUTF8(Name);
        vfs->Open = &Open;
        if (SqliteLibrary.VfsRegister(vfs, makeDefault: 0) != raw.SQLITE_OK)
        {
            throw new StoreUnavailableException("SQLite refuses the layer that guards its pages.");
        }
    }

    /// <summary>Lets connections open the database at <paramref name="path"/>, until <see cref="Detach"/>.</summary>
    public static DatabaseFiles Attach(string path)
    {
        var files = new DatabaseFiles(path);
        return Databases.TryAdd(path, files)
            ? files
            : throw new StoreUnavailableException($"{path} is open already in this process.");
    }

    public static void Detach(DatabaseFiles files)
    {
        Databases.TryRemove(files.Path, out _);
        files.Dispose();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Open(Vfs* vfs, byte* name, VfsFile* file, int flags, int* outFlags)
    {
        file->Methods = null;
        if ((flags & (OpenMainDatabase | OpenWal)) == 0)
        {
            return s_system->Open(s_system, name, file, flags, outFlags);
        }

        var path = Marshal.PtrToStringUTF8((nint)name) ?? "";
        var isWal = (flags & OpenWal) != 0;
        var main = isWal && path.EndsWith(WalSuffix, StringComparison.Ordinal) ? path[..^WalSuffix.Length] : path;
        if (!Databases.TryGetValue(main, out var files))
        {
            return raw.SQLITE_CANTOPEN;
        }

        var real = VfsFile.Real(file);
        var result = s_system->Open(s_system, name, real, flags, outFlags);
        if (result != raw.SQLITE_OK)
        {
            return result;
        }

        object state;
        if (isWal)
        {
            state = new WalFile(files, real);
        }
        else
        {
            var opened = new MainFile(files, real);
            files.Opened(opened);
            state = opened;
        }

        file->State = GCHandle.ToIntPtr(GCHandle.Alloc(state));
        file->Methods = isWal ? s_wal : s_main;
        return raw.SQLITE_OK;
    }

    private static IoMethods* MainMethods()
    {
        var methods = (IoMethods*)NativeMemory.AllocZeroed((nuint)sizeof(IoMethods));
        methods->Version = 2;
        methods->Close = &CloseMain;
        methods->Read = &ReadMain;
        methods->Write = &WriteMain;
        methods->Truncate = &Truncate;
        methods->Sync = &Sync;
        methods->FileSize = &FileSize;
        methods->Lock = &Lock;
        methods->Unlock = &Unlock;
        methods->CheckReservedLock = &CheckReservedLock;
        methods->FileControl = &FileControl;
        methods->SectorSize = &SectorSize;
        methods->DeviceCharacteristics = &DeviceCharacteristics;
        methods->ShmMap = &ShmMap;
        methods->ShmLock = &ShmLock;
        methods->ShmBarrier = &ShmBarrier;
        methods->ShmUnmap = &ShmUnmap;
        return methods;
    }

    private static IoMethods* WalMethods()
    {
        var methods = (IoMethods*)NativeMemory.AllocZeroed((nuint)sizeof(IoMethods));
        methods->Version = 1;
        methods->Close = &CloseWal;
        methods->Read = &ReadWal;
        methods->Write = &WriteWal;
        methods->Truncate = &TruncateWal;
        methods->Sync = &SyncWal;
        methods->FileSize = &FileSizeWal;
        methods->Lock = &LockNothing;
        methods->Unlock = &LockNothing;
        methods->CheckReservedLock = &CheckNothing;
        methods->FileControl = &FileControl;
        methods->SectorSize = &SectorSize;
        methods->DeviceCharacteristics = &DeviceCharacteristics;
        return methods;
    }

    private static MainFile Main(VfsFile* file) => Unsafe.As<MainFile>(GCHandle.FromIntPtr(file->State).Target!);

    private static WalFile Wal(VfsFile* file) => Unsafe.As<WalFile>(GCHandle.FromIntPtr(file->State).Target!);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CloseMain(VfsFile* file)
    {
        var main = Main(file);
        main.Shared.Closed(main);
        main.Dispose();
        return CloseReal(file);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CloseWal(VfsFile* file)
    {
        var wal = Wal(file);
        _ = wal.Flush();
        wal.Dispose();
        return CloseReal(file);
    }

    private static int CloseReal(VfsFile* file)
    {
        GCHandle.FromIntPtr(file->State).Free();
        var real = VfsFile.Real(file);
        return real->Methods->Close(real);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ReadMain(VfsFile* file, byte* buffer, int count, long offset) =>
        Main(file).Read(buffer, count, offset);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int WriteMain(VfsFile* file, byte* buffer, int count, long offset) =>
        Main(file).Write(buffer, count, offset);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ReadWal(VfsFile* file, byte* buffer, int count, long offset) =>
        Wal(file).Read(buffer, count, offset);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int WriteWal(VfsFile* file, byte* buffer, int count, long offset) =>
        Wal(file).Write(buffer, count, offset);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SyncWal(VfsFile* file, int flags) => Wal(file).Sync(flags);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int TruncateWal(VfsFile* file, long size)
    {
        var real = VfsFile.Real(file);
        var flushed = Wal(file).Flush();
        return flushed == raw.SQLITE_OK ? real->Methods->Truncate(real, size) : flushed;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int FileSizeWal(VfsFile* file, long* size)
    {
        var real = VfsFile.Real(file);
        var flushed = Wal(file).Flush();
        return flushed == raw.SQLITE_OK ? real->Methods->FileSize(real, size) : flushed;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Truncate(VfsFile* file, long size)
    {
        var real = VfsFile.Real(file);
        return real->Methods->Truncate(real, size);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Sync(VfsFile* file, int flags)
    {
        var real = VfsFile.Real(file);
        return real->Methods->Sync(real, flags);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int FileSize(VfsFile* file, long* size)
    {
        var real = VfsFile.Real(file);
        return real->Methods->FileSize(real, size);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int FileControl(VfsFile* file, int operation, void* argument)
    {
        var real = VfsFile.Real(file);
        return real->Methods->FileControl(real, operation, argument);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SectorSize(VfsFile* file)
    {
        var real = VfsFile.Real(file);
        return real->Methods->SectorSize(real);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int DeviceCharacteristics(VfsFile* file)
    {
        var real = VfsFile.Real(file);
        return real->Methods->DeviceCharacteristics(real);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Lock(VfsFile* file, int level)
    {
        var main = Main(file);
        return main.Shared.TryLock(main, level) ? raw.SQLITE_OK : raw.SQLITE_BUSY;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Unlock(VfsFile* file, int level)
    {
        var main = Main(file);
        main.Shared.Unlock(main, level);
        return raw.SQLITE_OK;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CheckReservedLock(VfsFile* file, int* reserved)
    {
        *reserved = Main(file).Shared.IsReserved() ? 1 : 0;
        return raw.SQLITE_OK;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int LockNothing(VfsFile* file, int level) => raw.SQLITE_OK;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CheckNothing(VfsFile* file, int* reserved)
    {
        *reserved = 0;
        return raw.SQLITE_OK;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ShmMap(VfsFile* file, int number, int size, int extend, void** region)
    {
        *region = (void*)Main(file).Shared.Region(number, size, extend != 0);
        return raw.SQLITE_OK;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ShmLock(VfsFile* file, int first, int count, int flags)
    {
        const int Unlock = 1;
        const int Exclusive = 8;
        var main = Main(file);
        if ((flags & Unlock) != 0)
        {
            main.Shared.UnlockIndex(main, first, count);
            return raw.SQLITE_OK;
        }

        return main.Shared.TryLockIndex(main, first, count, (flags & Exclusive) != 0) ? raw.SQLITE_OK : raw.SQLITE_BUSY;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void ShmBarrier(VfsFile* file) => Interlocked.MemoryBarrier();

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ShmUnmap(VfsFile* file, int delete)
    {
        var main = Main(file);
        main.Shared.UnlockIndex(main, 0, DatabaseFiles.LockSlots);
        return raw.SQLITE_OK;
    }
}
