using System.Net.Sockets;
using Mayfly.Hosting.Files;

namespace Mayfly.Hosting.Listeners;

/// <summary>The file of a unix socket: who may use it, and what to do with one that a dead process left.</summary>
internal static class UnixSocketFile
{
    /// <summary>Removes the socket of a process that is gone; one that still answers stays, and binding then fails.</summary>
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
    public static void SetAccess(UnixAddress address)
    {
        File.SetUnixFileMode(address.Path, address.Mode);
        FileOwner.Set(address.Path, address.User, address.Group);
    }
}
