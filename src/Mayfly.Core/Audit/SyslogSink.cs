using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Mayfly.Core.Audit;

/// <summary>Sends each line to the local syslog daemon as one datagram, in the form (RFC 3164) that Vault's device uses.</summary>
internal sealed class SyslogSink(AuditSettings settings, TimeProvider time) : SocketSink(settings)
{
    private const int Informational = 6;

    /// <summary>Daemons take datagrams up to the socket's buffer, which is 208 KiB by default.</summary>
    private const int LargestMessage = 128 * 1024;

    private readonly LineBuffer _message = new();

    public override int LongestLine => LargestMessage;

    protected override bool IsDatagram => true;

    protected override Socket Connect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            socket.SendTimeout = (int)Settings.WriteTimeout.TotalMilliseconds;
            socket.Connect(new UnixDomainSocketEndPoint(Settings.Address));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    protected override void SendDatagram(ReadOnlySpan<byte> line)
    {
        var now = time.GetLocalNow();
        var header = string.Create(
            CultureInfo.InvariantCulture,
            $"<{(Settings.Facility * 8) + Informational}>{now:MMM} {now.Day, 2} {now:HH:mm:ss} {Settings.Tag}[{Environment.ProcessId}]: "
        );
        _message.Clear();
        _message.Raw(Encoding.ASCII.GetBytes(header));
        _message.Raw(line[..^1]);
        Socket.Send(_message.Written);
    }
}
