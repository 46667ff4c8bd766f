using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>
/// The operating system's SQLite, set up once per process. The binding package looks for a library of its own, which
/// nobody patches; here it is given the distribution's.
/// </summary>
internal static unsafe partial class SqliteLibrary
{
    public const int FcntlReserveBytes = 38;
    public const int NoCheckpointOnClose = 1006;
    public const int IoErrorShortRead = raw.SQLITE_IOERR | (2 << 8);
    public const int IoErrorWrite = raw.SQLITE_IOERR | (3 << 8);
    public const int IoErrorData = raw.SQLITE_IOERR | (32 << 8);

    private const string FileName = "libsqlite3.so.0";

    // The first release with STRICT tables.
    private const int OldestVersion = 3_037_000;

    private static readonly Lazy<bool> Ready = new(Load);

    /// <exception cref="StoreUnavailableException">There is no SQLite, or one that is too old.</exception>
    public static void Initialize() => _ = Ready.Value;

    [LibraryImport(FileName, EntryPoint = "sqlite3_file_control", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int FileControl(nint connection, string database, int operation, void* argument);

    [LibraryImport(FileName, EntryPoint = "sqlite3_vfs_find")]
    public static partial Vfs* VfsFind(byte* name);

    [LibraryImport(FileName, EntryPoint = "sqlite3_vfs_register")]
    public static partial int VfsRegister(Vfs* vfs, int makeDefault);

    private static bool Load()
    {
        var provider = new SQLite3Provider_e_sqlite3();
        NativeLibrary.SetDllImportResolver(provider.GetType().Assembly, Resolve);
        try
        {
            raw.SetProvider(provider);
            if (raw.sqlite3_libversion_number() < OldestVersion)
            {
                throw new StoreUnavailableException(
                    $"The system's SQLite is {raw.sqlite3_libversion().utf8_to_string()}; 3.37 or later is needed."
                );
            }
        }
        catch (DllNotFoundException e)
        {
            throw new StoreUnavailableException($"{FileName} is missing: install your system's SQLite library.", e);
        }

        // Memory statistics cost a process-wide lock in each allocation.
        raw.sqlite3_config(raw.SQLITE_CONFIG_MEMSTATUS, 0);
        raw.sqlite3_initialize();
        ChecksumVfs.Register();
        return true;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) =>
        name == "e_sqlite3" ? NativeLibrary.Load(FileName) : 0;
}
