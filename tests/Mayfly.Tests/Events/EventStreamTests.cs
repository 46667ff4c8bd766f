using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Mayfly.Client;
using Mayfly.Core.Events;
using Mayfly.Hosting.Listeners;
using Mayfly.Server.Http;
using Mayfly.Server.Http.Vault.Streams;

namespace Mayfly.Tests.Events;

/// <summary>What the dialect does with a subscription: handshakes, frames, slow and dead clients, coming back.</summary>
public sealed class EventStreamTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void The_answer_to_a_key_is_the_one_of_the_standard() =>
        Assert.Equal("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", WebSocketHandshake.Accept("dGhlIHNhbXBsZSBub25jZQ=="));

    [Theory]
    [InlineData("Connection: close\r\nUpgrade: websocket\r\n", "HTTP/1.1 426", "Connection: Upgrade")]
    [InlineData("Connection: Upgrade\r\nUpgrade: websocket\r\n", "HTTP/1.1 426", "Sec-WebSocket-Version: 13")]
    [InlineData(
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n",
        "HTTP/1.1 426",
        "Sec-WebSocket-Version: 13"
    )]
    [InlineData(
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        "HTTP/1.1 400",
        "Sec-WebSocket-Key"
    )]
    [InlineData(
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2hvcnQ=\r\n",
        "HTTP/1.1 400",
        "Sec-WebSocket-Key"
    )]
    public async Task A_wrong_handshake_is_refused_with_what_is_missing(string headers, string status, string part)
    {
        await using var server = await EventServer.StartAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, server.Http.Url.Port, Cancellation);
        await using var stream = client.GetStream();
        var request = $"GET /v1/sys/events/subscribe/*?json=true HTTP/1.1\r\nHost: x\r\n{headers}\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), Cancellation);
        using var reader = new StreamReader(stream);
        var answer = "";
        while (!answer.Contains("{\"errors\"", StringComparison.Ordinal))
        {
            answer += await reader.ReadLineAsync(Cancellation);
        }

        Assert.StartsWith(status, answer, StringComparison.Ordinal);
        Assert.Contains(part, answer, StringComparison.Ordinal);
        await server.CountAsync(0);
    }

    [Fact]
    public async Task Whoever_does_not_read_loses_events_and_is_told_so_and_holds_up_nobody()
    {
        await using var server = await EventServer.StartAsync(new EventLimits { Kept = 64 });
        using var client = new TcpClient { ReceiveBufferSize = 4_096 };
        await client.ConnectAsync(IPAddress.Loopback, server.Http.Url.Port, Cancellation);
        await using var stream = client.GetStream();
        await stream.WriteAsync(
            "GET /v1/sys/events/subscribe/*?format=sse HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(),
            Cancellation
        );
        await server.CountAsync(1);

        // More than the buffers of both ends can take: the server's grows to 4 MB.
        var name = new string('x', 2_000);
        for (var i = 0; i < 4_000; i++)
        {
            server.Publish(name);
            if (i % 32 == 0)
            {
                await Task.Delay(1, Cancellation);
            }
        }

        server.Publish("the-last-one");
        using var reader = new StreamReader(stream);
        var lost = false;
        while (await reader.ReadLineAsync(Cancellation) is { } line)
        {
            lost |= line == "event: mayfly/lost";
            if (line.Contains("secret/data/the-last-one", StringComparison.Ordinal))
            {
                Assert.True(lost);
                return;
            }
        }

        Assert.Fail("the stream ended before the last event");
    }

    [Fact]
    public async Task A_connection_whose_other_end_is_dead_is_given_up_by_the_system()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint, Cancellation);
        using var socket = await listener.AcceptSocketAsync(Cancellation);
        ServerSentEvents.GiveUpOnTheDead(socket);
        var value = new byte[4];
        socket.GetRawSocketOption(ServerSentEvents.TcpLevel, ServerSentEvents.TcpUserTimeout, value);
        Assert.Equal(30_000, BitConverter.ToInt32(value));
    }

    [Fact]
    public async Task Both_forms_work_over_TLS_and_one_over_HTTP_2()
    {
        using var folder = new TemporaryFolder();
        var listener = new Listener(new TcpAddress(new IPEndPoint(IPAddress.Loopback, 0), Certificate(folder)));
        await using var server = await EventServer.StartAsync(listener: listener);
        await using var reader = await SseReader.OpenAsync(
            server.Http.Client,
            new Uri("/v1/e", UriKind.Relative),
            version: HttpVersion.Version20
        );
        Assert.Equal(HttpVersion.Version20, reader.Reply.Version);
        using var socket = new ClientWebSocket();
        socket.Options.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            certificate?.Issuer == "CN=mayfly test";
        await socket.ConnectAsync(new UriBuilder(server.Http.Url) { Scheme = "wss", Path = "/v1/e" }.Uri, Cancellation);
        await server.CountAsync(2);
        server.Publish("a");
        Assert.Contains("secret/data/a", (await reader.NextAsync())!.Value.Data, StringComparison.Ordinal);
        var buffer = new byte[4_096];
        var message = await socket.ReceiveAsync(buffer, Cancellation);
        Assert.Contains("secret/data/a", Encoding.UTF8.GetString(buffer, 0, message.Count), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_is_gone_frees_its_place()
    {
        await using var server = await EventServer.StartAsync();
        await using (await SseReader.OpenAsync(server.Http.Client, new Uri("/v1/e", UriKind.Relative)))
        using (var socket = await ConnectAsync(server))
        {
            await server.CountAsync(2);
            socket.Abort();
            await server.CountAsync(1);
        }

        await server.CountAsync(0);
    }

    [Fact]
    public async Task A_client_that_talks_is_shown_the_door()
    {
        await using var server = await EventServer.StartAsync();
        using var socket = await ConnectAsync(server);
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, Cancellation);
        var message = await socket.ReceiveAsync(new byte[100], Cancellation);
        Assert.Equal(WebSocketMessageType.Close, message.MessageType);
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, message.CloseStatus);
    }

    [Fact]
    public async Task A_client_that_closes_is_answered()
    {
        await using var server = await EventServer.StartAsync();
        using var socket = await ConnectAsync(server);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", Cancellation);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
        await server.CountAsync(0);
    }

    [Fact]
    public async Task A_quiet_stream_gives_signs_of_life()
    {
        await using var server = await EventServer.StartAsync(new EventLimits { Heartbeat = TimeSpan.Zero });
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, server.Http.Url.Port, Cancellation);
        await using var stream = client.GetStream();
        await stream.WriteAsync("GET /v1/e?format=sse HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Cancellation);
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync(Cancellation) is not ":") { }
    }

    [Fact]
    public async Task A_typed_subscription_survives_a_restart_and_goes_on_after_the_last_event()
    {
        await using var server = await EventServer.StartAsync();
        using var client = new MayflyClient(new MayflyClientOptions { Address = server.Http.Url.ToString() });
        await using var events = client
            .SubscribeAsync("*", cancellationToken: Cancellation)
            .GetAsyncEnumerator(Cancellation);
        var first = events.MoveNextAsync();
        await server.CountAsync(1);
        server.Publish("a");
        Assert.True(await first);
        Assert.Equal("secret/data/a", events.Current.DataPath);
        Assert.Equal("kv-v2/data-write", events.Current.Type);
        var seen = events.Current.Id;

        var second = events.MoveNextAsync();
        server.Restart();
        // This server has nothing of the old one any more, and says so.
        Assert.True(await second);
        Assert.True(events.Current.IsLost);
        Assert.Equal([null, seen], server.LastEventIds);
        var third = events.MoveNextAsync();
        server.Publish("b");
        Assert.True(await third);
        Assert.Equal("secret/data/b", events.Current.DataPath);
    }

    [Fact]
    public async Task A_typed_subscription_that_had_no_event_yet_is_told_that_it_may_have_missed_some()
    {
        await using var server = await EventServer.StartAsync();
        using var client = new MayflyClient(new MayflyClientOptions { Address = server.Http.Url.ToString() });
        await using var events = client
            .SubscribeAsync("*", cancellationToken: Cancellation)
            .GetAsyncEnumerator(Cancellation);
        var first = events.MoveNextAsync();
        await server.CountAsync(1);
        server.Restart();
        Assert.True(await first);
        Assert.True(events.Current.IsLost);
    }

    [Fact]
    public async Task A_connection_on_which_nothing_is_heard_is_made_again()
    {
        await using var server = await EventServer.StartAsync();
        using var client = new MayflyClient(new MayflyClientOptions { Address = server.Http.Url.ToString() });
        var options = new SubscriptionOptions { Silence = TimeSpan.FromMilliseconds(50) };
        await using var events = client.SubscribeAsync("*", options, Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await events.MoveNextAsync());
        Assert.True(events.Current.IsLost);
        Assert.True(server.LastEventIds.Count > 1);
    }

    private static TlsFiles Certificate(TemporaryFolder folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=mayfly test", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(
            DateTimeOffset.UnixEpoch,
            DateTimeOffset.UnixEpoch.AddYears(100)
        );
        var files = new TlsFiles(folder.File("tls.crt"), folder.File("tls.key"));
        File.WriteAllText(files.Certificate, certificate.ExportCertificatePem());
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem());
        return files;
    }

    private static async Task<ClientWebSocket> ConnectAsync(EventServer server)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(server.Http.Url) { Scheme = "ws", Path = "/v1/e" }.Uri, Cancellation);
        return socket;
    }
}
