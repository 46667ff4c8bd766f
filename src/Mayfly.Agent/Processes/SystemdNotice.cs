using System.Net.Sockets;

namespace Mayfly.Agent.Processes;

/// <summary>Tells systemd how the agent is, for units of <c>Type=notify</c>: without it systemd takes the start for failed.</summary>
internal static class SystemdNotice
{
    /// <summary>The variable that names the socket; systemd sets it for such units alone.</summary>
    public const string Variable = "NOTIFY_SOCKET";

    public const string Ready = "READY=1";

    public const string Stopping = "STOPPING=1";

    /// <summary>Sends a notice, or does nothing when there is no socket. False when nobody takes it, which does not concern the agent.</summary>
    /// <param name="address">The socket: a path, or a name that begins with <c>@</c>.</param>
    /// <param name="notice">What to tell.</param>
    public static bool Send(string? address, string notice)
    {
        if (string.IsNullOrEmpty(address))
        {
            return false;
        }

        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            // An abstract name, which the kernel writes with a zero.
            var path = address[0] == '@' ? "\0" + address[1..] : address;
            socket.SendTo(System.Text.Encoding.UTF8.GetBytes(notice), new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return false;
        }
    }
}
