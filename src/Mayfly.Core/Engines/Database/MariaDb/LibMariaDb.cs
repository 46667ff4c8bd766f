using System.Runtime.InteropServices;

namespace Mayfly.Core.Engines.Database.MariaDb;

/// <summary>The C functions of MariaDB's client library (Debian's libmariadb3) that are used here. They block.</summary>
internal static partial class LibMariaDb
{
    public const int ConnectTimeout = 0;
    public const int CharsetName = 7;
    public const int LocalInfile = 8;
    public const int Protocol = 9;
    public const int ReadTimeout = 11;
    public const int WriteTimeout = 12;
    public const int VerifyServerCertificate = 21;
    public const int SslKey = 25;
    public const int SslCertificate = 26;
    public const int SslAuthorities = 27;
    public const int SslEnforce = 38;

    /// <summary>For <see cref="Protocol"/>: MYSQL_PROTOCOL_TCP.</summary>
    public const uint OverTcp = 1;

    private const string Library = "libmariadb.so.3";

    [LibraryImport(Library, EntryPoint = "mysql_init")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint Init(nint none);

    [LibraryImport(Library, EntryPoint = "mysql_close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial void Close(nint connection);

    [LibraryImport(Library, EntryPoint = "mysql_options")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Option(nint connection, int option, in uint value);

    [LibraryImport(Library, EntryPoint = "mysql_options", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Option(nint connection, int option, string value);

    [LibraryImport(Library, EntryPoint = "mysql_real_connect", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint Connect(
        nint connection,
        string? host,
        string user,
        string password,
        string? database,
        uint port,
        string? socket,
        nuint flags
    );

    [LibraryImport(Library, EntryPoint = "mysql_thread_id")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nuint ThreadId(nint connection);

    [LibraryImport(Library, EntryPoint = "mysql_real_query")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Query(nint connection, byte[] text, nuint length);

    [LibraryImport(Library, EntryPoint = "mysql_store_result")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint StoreResult(nint connection);

    [LibraryImport(Library, EntryPoint = "mysql_field_count")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial uint FieldCount(nint connection);

    [LibraryImport(Library, EntryPoint = "mysql_fetch_row")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint FetchRow(nint result);

    [LibraryImport(Library, EntryPoint = "mysql_fetch_lengths")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint FetchLengths(nint result);

    [LibraryImport(Library, EntryPoint = "mysql_free_result")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial void FreeResult(nint result);

    [LibraryImport(Library, EntryPoint = "mysql_errno")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial uint ErrorNumber(nint connection);

    [LibraryImport(Library, EntryPoint = "mysql_error")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint ErrorText(nint connection);

    [LibraryImport(
        "libc",
        EntryPoint = "memfd_create",
        StringMarshalling = StringMarshalling.Utf8,
        SetLastError = true
    )]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int MemoryFile(string name, uint flags);
}
