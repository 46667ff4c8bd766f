using System.Net.Sockets;
using Mayfly.Agent.Configuration;
using Mayfly.Agent.Files;

namespace Mayfly.Agent.Listeners;

/// <summary>The file of a unix socket: who may use it, and what to do with one that a dead agent left.</summary>
internal static class UnixSocketFile
{
    /// <summary>Removes the socket of an agent that is gone; one that still answers stays, and binding then fails.</summary>
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
    public static void SetAccess(UnixListenerStanza listener)
    {
        File.SetUnixFileMode(listener.Path, listener.Mode);
        FileOwner.Set(listener.Path, listener.User, listener.Group);
    }
}
