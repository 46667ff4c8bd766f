using System.Net;
using System.Net.Sockets;
using System.Text;
using Mayfly.Core;
using Mayfly.Core.Pipeline;
using Mayfly.Hosting.Listeners;
using Mayfly.Server.Http;
using Mayfly.Server.Http.Vault;
using Mayfly.Server.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mayfly.Tests.Http;

/// <summary>The Vault dialect on a real Kestrel at a free port, in front of a handler that the test gives.</summary>
internal sealed class DialectServer : IAsyncDisposable
{
    private readonly KestrelHost _server;

    private DialectServer(KestrelHost server, HttpClient client, ManualTime time)
    {
        _server = server;
        Client = client;
        Time = time;
    }

    public HttpClient Client { get; }

    public ManualTime Time { get; }

    public KestrelHost Http => _server;

    public Uri Url => Client.BaseAddress!;

    public static async Task<DialectServer> StartAsync(
        RequestHandler handle,
        Func<Health>? health = null,
        Listener? listener = null,
        ILoggerFactory? logs = null
    )
    {
        var time = new ManualTime();
        logs ??= NullLoggerFactory.Instance;
        var application = new VaultApplication(
            handle,
            [
                new HealthPath(
                    health ?? (() => new Health(VaultState.Unsealed, "1.17.0+mayfly.0", "test", "id")),
                    time
                ),
                new MetricsPath(format =>
                    ("text/plain", Encoding.UTF8.GetBytes(format == "prometheus" ? "up 1\n" : "{}"))
                ),
            ],
            new RequestCounts(),
            logs.CreateLogger<VaultApplication>()
        );
        var server = await HttpServer.StartAsync(
            [listener ?? new Listener(new TcpAddress(new IPEndPoint(IPAddress.Loopback, 0), Tls: null))],
            application,
            logs,
            TestContext.Current.CancellationToken
        );
        var address = server.Addresses[0];
        var handler = new SocketsHttpHandler();
        if (listener?.Address is UnixAddress unix)
        {
            address = "http://localhost";
            handler.ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(unix.Path), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            };
        }

        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            certificate?.Issuer == "CN=mayfly test";
        return new DialectServer(server, new HttpClient(handler) { BaseAddress = new Uri(address) }, time);
    }

    /// <summary>Sends bytes as they are, and returns the whole answer once the server has closed the connection.</summary>
    public async Task<string> RawAsync(string request)
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Url.Port, cancellation);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), cancellation);
        using var answer = new MemoryStream();
        await stream.CopyToAsync(answer, cancellation);
        return Encoding.UTF8.GetString(answer.ToArray());
    }

    /// <summary>One GET of a raw target.</summary>
    public Task<string> RawGetAsync(string target) =>
        RawAsync($"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await _server.StopAsync(limit.Token);
        await _server.DisposeAsync();
    }
}
