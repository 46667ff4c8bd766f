using System.Net;
using System.Net.Sockets;

namespace Mayfly.Core.Audit;

/// <summary>
/// Sends lines over TCP, UDP or a Unix socket, and connects again when the connection is gone. A stream's peer may lose
/// what it had received in part, so the line that was cut is sent again; a datagram is one line.
/// </summary>
internal class SocketSink(AuditSettings settings) : AuditSink
{
    private const int LargestDatagram = 65_507;

    private Socket? _socket;
    private bool _wasConnected;

    public override bool Blocks => true;

    public override int LongestLine => IsDatagram ? LargestDatagram : int.MaxValue;

    protected AuditSettings Settings => settings;

    protected virtual bool IsDatagram => settings.SocketType == "udp";

    public override Preparation Prepare(bool look)
    {
        if (_socket is { } socket && IsAlive(socket))
        {
            return Preparation.Ready;
        }

        Disconnect();
        try
        {
            _socket = Connect();
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ArgumentException)
        {
            return Preparation.Failed(e is SocketException ? e.Message : "no connection within the time limit");
        }

        var state = _wasConnected ? SinkState.Reconnected : SinkState.Empty;
        _wasConnected = true;
        return new Preparation(state);
    }

    public override string? Write(SealedLines lines)
    {
        try
        {
            if (IsDatagram)
            {
                for (var i = lines.LinesDone; i < lines.Count; i++)
                {
                    SendDatagram(lines[i]);
                    lines.Done = lines.EndOf(i);
                }
            }
            else
            {
                while (!lines.IsDone)
                {
                    lines.Done += Socket.Send(lines.Bytes[lines.Done..]);
                }
            }

            return null;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Disconnect();
            return e is SocketException ? e.Message : "nobody takes what is sent";
        }
    }

    public override void Abort() => _socket?.Dispose();

    public override void Dispose() => Disconnect();

    protected Socket Socket => _socket ?? throw new ObjectDisposedException(nameof(SocketSink));

    protected virtual void SendDatagram(ReadOnlySpan<byte> line) => Socket.Send(line[..^1]);

    protected virtual Socket Connect()
    {
        var (endpoint, protocol) = Target();
        var socket = new Socket(
            endpoint.AddressFamily == AddressFamily.Unspecified ? AddressFamily.InterNetworkV6 : endpoint.AddressFamily,
            IsDatagram ? SocketType.Dgram : SocketType.Stream,
            protocol
        );
        try
        {
            if (socket.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = true;
            }

            socket.SendTimeout = (int)settings.WriteTimeout.TotalMilliseconds;
            using var limit = new CancellationTokenSource(settings.WriteTimeout);
            socket.ConnectAsync(endpoint, limit.Token).AsTask().GetAwaiter().GetResult();
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static bool IsAlive(Socket socket)
    {
        try
        {
            // A stream that is readable without bytes has been closed by its peer; the first send would still succeed.
            return socket.SocketType != SocketType.Stream
                || !(socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private (EndPoint Endpoint, ProtocolType Protocol) Target()
    {
        if (settings.SocketType == "unix")
        {
            return (new UnixDomainSocketEndPoint(settings.Address), ProtocolType.Unspecified);
        }

        var protocol = IsDatagram ? ProtocolType.Udp : ProtocolType.Tcp;
        if (IPEndPoint.TryParse(settings.Address, out var address) && address.Port != 0)
        {
            return (address, protocol);
        }

        var colon = settings.Address.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(settings.Address[(colon + 1)..], out var port)
            ? (new DnsEndPoint(settings.Address[..colon], port), protocol)
            : throw new ArgumentException("the address is not host:port");
    }

    private void Disconnect()
    {
        _socket?.Dispose();
        _socket = null;
    }
}
