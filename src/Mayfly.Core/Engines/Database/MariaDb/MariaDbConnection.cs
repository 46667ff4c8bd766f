using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Mayfly.Core.Engines.Database.MariaDb;

/// <summary>One connection. Every member blocks, for half a minute at most. Not safe for concurrent use.</summary>
internal sealed class MariaDbConnection : SafeHandleZeroOrMinusOneIsInvalid
{
    private const uint ConnectSeconds = 10;
    private const uint CommandSeconds = 30;
    private const uint CloseOnExec = 1;

    /// <summary>Makes quotes and backslashes mean what <see cref="MariaDbKind.Dialect"/> says, whatever the server is set to.</summary>
    private const string SessionMode =
        "SET SESSION sql_mode = REPLACE(REPLACE(@@SESSION.sql_mode, 'NO_BACKSLASH_ESCAPES', ''), 'ANSI_QUOTES', '')";

    private MariaDbConnection(nint connection)
        : base(ownsHandle: true) => SetHandle(connection);

    /// <summary>The server's number of the session.</summary>
    public int Session { get; private set; }

    /// <summary>Connects and logs in.</summary>
    /// <exception cref="MariaDbException">It cannot be reached, or does not let the user in.</exception>
    public static MariaDbConnection Open(MariaDbAddress address, string user, string password, ConnectionConfig config)
    {
        var native = LibMariaDb.Init(0);
        if (native == 0)
        {
            throw new MariaDbException(MariaDbException.Unreachable, "libmariadb has no memory");
        }

        var connection = new MariaDbConnection(native);
        try
        {
            connection.Connect(address, user, password, config);
            connection.Session = (int)LibMariaDb.ThreadId(connection.handle);
            connection.Run(SessionMode);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Runs one statement.</summary>
    /// <returns>The first column of its rows.</returns>
    /// <exception cref="MariaDbException">The server refuses it, or is gone.</exception>
    public IReadOnlyList<string> Run(string statement)
    {
        var text = Encoding.UTF8.GetBytes(statement);
        if (LibMariaDb.Query(handle, text, (nuint)text.Length) != 0)
        {
            throw Failure();
        }

        var result = LibMariaDb.StoreResult(handle);
        if (result == 0)
        {
            return LibMariaDb.FieldCount(handle) == 0 ? [] : throw Failure();
        }

        try
        {
            var rows = new List<string>();
            for (var row = LibMariaDb.FetchRow(result); row != 0; row = LibMariaDb.FetchRow(result))
            {
                var length = (int)Marshal.ReadIntPtr(LibMariaDb.FetchLengths(result));
                rows.Add(Marshal.PtrToStringUTF8(Marshal.ReadIntPtr(row), length) ?? "");
            }

            return rows;
        }
        finally
        {
            LibMariaDb.FreeResult(result);
        }
    }

    protected override bool ReleaseHandle()
    {
        LibMariaDb.Close(handle);
        return true;
    }

    private void Connect(MariaDbAddress address, string user, string password, ConnectionConfig config)
    {
        _ = LibMariaDb.Option(handle, LibMariaDb.ConnectTimeout, ConnectSeconds);
        _ = LibMariaDb.Option(handle, LibMariaDb.ReadTimeout, CommandSeconds);
        _ = LibMariaDb.Option(handle, LibMariaDb.WriteTimeout, CommandSeconds);
        _ = LibMariaDb.Option(handle, LibMariaDb.LocalInfile, 0u);
        _ = LibMariaDb.Option(handle, LibMariaDb.CharsetName, "utf8mb4");
        var files = new List<SafeFileHandle>();
        try
        {
            Secure(address, config, files);
            var unix = address.Socket.Length > 0;
            if (!unix)
            {
                // Otherwise the library takes "localhost" for a socket of its own choice.
                _ = LibMariaDb.Option(handle, LibMariaDb.Protocol, LibMariaDb.OverTcp);
            }

            var connected = LibMariaDb.Connect(
                handle,
                unix ? null : address.Host,
                user,
                password,
                address.Database.Length > 0 ? address.Database : null,
                unix ? 0 : (uint)address.Port,
                unix ? address.Socket : null,
                0
            );
            if (connected == 0)
            {
                throw Failure();
            }
        }
        finally
        {
            files.ForEach(file => file.Dispose());
        }
    }

    private void Secure(MariaDbAddress address, ConnectionConfig config, List<SafeFileHandle> files)
    {
        if (address.Tls == MariaDbTls.Off)
        {
            return;
        }

        _ = LibMariaDb.Option(handle, LibMariaDb.SslEnforce, 1u);
        _ = LibMariaDb.Option(handle, LibMariaDb.VerifyServerCertificate, address.Tls == MariaDbTls.Verified ? 1u : 0u);
        // Told whom to trust, the library refuses others even if it is told not to check.
        if (address.Tls == MariaDbTls.Verified && config.Detail("tls_ca") is { Length: > 0 } authorities)
        {
            _ = LibMariaDb.Option(handle, LibMariaDb.SslAuthorities, InMemory(authorities, files));
        }

        if (config.Secret("tls_certificate_key") is { Length: > 0 } pair)
        {
            var path = InMemory(pair, files);
            _ = LibMariaDb.Option(handle, LibMariaDb.SslCertificate, path);
            _ = LibMariaDb.Option(handle, LibMariaDb.SslKey, path);
        }
    }

    /// <summary>The library only takes files; this one is never on a disk.</summary>
    private static string InMemory(string text, List<SafeFileHandle> files)
    {
        var descriptor = LibMariaDb.MemoryFile("pem", CloseOnExec);
        if (descriptor < 0)
        {
            throw new MariaDbException(MariaDbException.Unreachable, "no file in memory could be made");
        }

        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        files.Add(file);
        RandomAccess.Write(file, Encoding.UTF8.GetBytes(text), 0);
        return $"/proc/self/fd/{descriptor}";
    }

    private MariaDbException Failure() =>
        new(LibMariaDb.ErrorNumber(handle), Marshal.PtrToStringUTF8(LibMariaDb.ErrorText(handle)) ?? "unknown failure");
}

/// <summary>What the server or the library said.</summary>
internal sealed class MariaDbException(uint number, string message) : Exception(message)
{
    /// <summary>CR_UNKNOWN_ERROR.</summary>
    public const uint Unreachable = 2_000;

    private const uint AccessDenied = 1_045;

    public uint Number => number;

    /// <summary>The connection is gone, or was never there.</summary>
    public bool IsLoss => number is >= 2_000 and < 3_000 or 1_053 or 1_077 or 1_927 or 1_158 or 1_159 or 1_160 or 1_161;

    /// <summary>The server is away, full, or does not let the user in.</summary>
    public bool IsAway =>
        IsLoss || number is AccessDenied or 1_040 or 1_044 or 1_049 or 1_129 or 1_130 or 1_203 or 1_226 or 1_290;

    public bool IsDenied => number is AccessDenied or 1_698;
}
