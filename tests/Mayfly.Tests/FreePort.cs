using System.Net;
using System.Net.Sockets;

namespace Mayfly.Tests;

/// <summary>Ports of the loopback address that nobody listens at.</summary>
internal static class FreePort
{
    /// <summary>One of them. It is not kept: whoever wants it takes it at once.</summary>
    public static int Choose()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
