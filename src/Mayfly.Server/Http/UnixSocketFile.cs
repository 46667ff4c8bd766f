using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mayfly.Server.Http;

/// <summary>The file of a unix socket: who may use it, and what to do with one that a dead server left.</summary>
internal static partial class UnixSocketFile
{
    /// <summary>Removes the socket of a server that is gone; one that still answers stays, and binding then fails.</summary>
    public static void RemoveStale(string path)
    {
        if (!File.Exists(path))
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
        }
        catch (SocketException)
        {
            // Not a socket, or not ours to judge: binding will say what is wrong.
        }
    }

    /// <exception cref="IOException">The owner cannot be set.</exception>
    public static void SetAccess(UnixListener listener)
    {
        File.SetUnixFileMode(listener.Path, listener.Mode);
        if (listener.User.Length == 0 && listener.Group.Length == 0)
        {
            return;
        }

        var user = Number(listener.User, "/etc/passwd");
        var group = Number(listener.Group, "/etc/group");
        if (chown(listener.Path, user, group) != 0)
        {
            throw new IOException(
                $"cannot give {listener.Path} to {listener.User}:{listener.Group}: {Marshal.GetLastPInvokeErrorMessage()}"
            );
        }
    }

    /// <summary>The number of a user or group; -1 (unchanged) for "".</summary>
    private static int Number(string name, string database)
    {
        if (name.Length == 0)
        {
            return -1;
        }

        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        var line = File.ReadLines(database)
            .FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.Ordinal));
        return line is null
            ? throw new IOException($"there is no '{name}' in {database}")
            : int.Parse(line.Split(':')[2], NumberStyles.None, CultureInfo.InvariantCulture);
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int chown(string path, int owner, int group);
}
