using System.Runtime.InteropServices;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary><c>sqlite3_vfs</c>, version 3.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Vfs
{
    public int Version;
    public int FileSize;
    public int MaxPath;
    public Vfs* Next;
    public byte* Name;
    public void* AppData;
    public delegate* unmanaged[Cdecl]<Vfs*, byte*, VfsFile*, int, int*, int> Open;
    public void* Delete;
    public void* Access;
    public void* FullPathname;
    public void* DlOpen;
    public void* DlError;
    public void* DlSym;
    public void* DlClose;
    public void* Randomness;
    public void* Sleep;
    public void* CurrentTime;
    public void* GetLastError;
    public void* CurrentTimeInt64;
    public void* SetSystemCall;
    public void* GetSystemCall;
    public void* NextSystemCall;
}

/// <summary><c>sqlite3_io_methods</c>, version 2: without memory-mapped reads, which no checksum could guard.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoMethods
{
    public int Version;
    public delegate* unmanaged[Cdecl]<VfsFile*, int> Close;
    public delegate* unmanaged[Cdecl]<VfsFile*, byte*, int, long, int> Read;
    public delegate* unmanaged[Cdecl]<VfsFile*, byte*, int, long, int> Write;
    public delegate* unmanaged[Cdecl]<VfsFile*, long, int> Truncate;
    public delegate* unmanaged[Cdecl]<VfsFile*, int, int> Sync;
    public delegate* unmanaged[Cdecl]<VfsFile*, long*, int> FileSize;
    public delegate* unmanaged[Cdecl]<VfsFile*, int, int> Lock;
    public delegate* unmanaged[Cdecl]<VfsFile*, int, int> Unlock;
    public delegate* unmanaged[Cdecl]<VfsFile*, int*, int> CheckReservedLock;
    public delegate* unmanaged[Cdecl]<VfsFile*, int, void*, int> FileControl;
    public delegate* unmanaged[Cdecl]<VfsFile*, int> SectorSize;
    public delegate* unmanaged[Cdecl]<VfsFile*, int> DeviceCharacteristics;
    public delegate* unmanaged[Cdecl]<VfsFile*, int, int, int, void**, int> ShmMap;
    public delegate* unmanaged[Cdecl]<VfsFile*, int, int, int, int> ShmLock;
    public delegate* unmanaged[Cdecl]<VfsFile*, void> ShmBarrier;
    public delegate* unmanaged[Cdecl]<VfsFile*, int, int> ShmUnmap;
}

/// <summary>
/// <c>sqlite3_file</c>. Ours has a handle to its managed half; the real file's own structure stands behind it.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct VfsFile
{
    public IoMethods* Methods;
    public nint State;

    public static VfsFile* Real(VfsFile* file) => file + 1;
}
