using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Mayfly.Tests.Audit;

public sealed class SocketDeviceTests
{
    [Fact]
    public async Task Syslog_gets_one_datagram_per_line_in_its_own_form()
    {
        await using var audit = await AuditHarness.StartAsync();
        var path = Path.Combine(audit.Folder, "log");
        using var daemon = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        daemon.Bind(new UnixDomainSocketEndPoint(path));
        Assert.Null(await audit.EnableAsync("syslog/", "syslog", ("socket", path), ("tag", "mayfly")));
        Assert.Null(await audit.ReadAsync());

        var messages = await ReceiveAsync(daemon, 4);
        Assert.All(
            messages,
            message => Assert.Matches(@"^<38>\w{3} [ \d]\d \d\d:\d\d:\d\d mayfly\[\d+\]: \{", message)
        );
        var entry = JsonDocument.Parse(messages[2][messages[2].IndexOf('{', StringComparison.Ordinal)..]).RootElement;
        Assert.Equal("request", entry.GetProperty("type").GetString());
        Assert.True(entry.GetProperty("chain").GetProperty("seq").GetInt64() > 1);
        Assert.DoesNotContain(messages, message => message.Contains("CANARY", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Udp_gets_one_datagram_per_line_and_too_large_entries_are_refused_alone()
    {
        await using var audit = await AuditHarness.StartAsync();
        using var peer = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        peer.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Assert.Null(
            await audit.EnableAsync(
                "udp/",
                "socket",
                ("address", peer.LocalEndPoint!.ToString()!),
                ("socket_type", "udp")
            )
        );
        var large = "{\"data\":[" + string.Join(',', Enumerable.Repeat("1234567890", 20_000)) + "]}";
        Assert.NotNull(await audit.ReadAsync(response: large));
        Assert.Null(await audit.ReadAsync());
        Assert.True(audit.Broker.Devices[0].Status.Works);
        Assert.Equal(2, audit.Broker.Devices[0].Status.Lost);
        var messages = await ReceiveAsync(peer, 4);
        Assert.All(messages, message => JsonDocument.Parse(message));
    }

    [Fact]
    public async Task A_unix_socket_gets_lines()
    {
        await using var audit = await AuditHarness.StartAsync();
        var path = Path.Combine(audit.Folder, "s");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        var enable = audit.EnableAsync("unix/", "socket", ("address", path), ("socket_type", "unix"));
        using var peer = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        Assert.Null(await enable);
        Assert.Null(await audit.ReadAsync());
        using var reader = new StreamReader(new NetworkStream(peer));
        for (var i = 0; i < 4; i++)
        {
            var line = await reader.ReadLineAsync(TestContext.Current.CancellationToken);
            Assert.Equal(
                i + 1,
                JsonDocument.Parse(line!).RootElement.GetProperty("chain").GetProperty("seq").GetInt64()
            );
        }
    }

    private static async Task<List<string>> ReceiveAsync(Socket socket, int count)
    {
        var messages = new List<string>();
        var buffer = new byte[128 * 1024];
        while (messages.Count < count)
        {
            var length = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
            messages.Add(Encoding.UTF8.GetString(buffer, 0, length));
        }

        return messages;
    }
}
