using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mayfly.Core.Pipeline;
using Mayfly.Hosting.Listeners;
using Mayfly.Server.Http;

namespace Mayfly.Tests.Http;

[SupportedOSPlatform("linux")]
public sealed class ListenerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Reloaded_certificate_is_used_by_new_connections_and_old_ones_live_on()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var files = WriteCertificate("first");
        await using var server = await StartAsync(files);
        await using var old = await ConnectAsync(server, SslProtocols.None);
        Assert.Equal("first", SerialOwner(old));

        WriteCertificate("second");
        Assert.Empty(server.Http.ReloadCertificates());

        await using var fresh = await ConnectAsync(server, SslProtocols.None);
        Assert.Equal("second", SerialOwner(fresh));
        await old.WriteAsync("GET /v1/a HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), cancellation);
        var answer = new byte[12];
        await old.ReadExactlyAsync(answer, cancellation);
        Assert.Equal("HTTP/1.1 204"u8.ToArray(), answer);
    }

    [Fact]
    public async Task Broken_certificate_keeps_the_one_in_use()
    {
        var files = WriteCertificate("first");
        await using var server = await StartAsync(files);
        File.WriteAllText(files.Certificate, "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");

        Assert.Contains(files.Certificate, Assert.Single(server.Http.ReloadCertificates()));

        await using var fresh = await ConnectAsync(server, SslProtocols.None);
        Assert.Equal("first", SerialOwner(fresh));
    }

    [Fact]
    public async Task Missing_certificate_stops_the_start()
    {
        var files = new TlsFiles(_folder.File("none.crt"), _folder.File("none.key"));

        await Assert.ThrowsAsync<TlsFilesException>(() => StartAsync(files));
    }

    [Fact]
    public async Task Old_versions_of_TLS_are_refused()
    {
        await using var server = await StartAsync(WriteCertificate("a") with { OnlyTls13 = true });

        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(server, SslProtocols.Tls12));
        await using var good = await ConnectAsync(server, SslProtocols.Tls13);
        Assert.Equal(SslProtocols.Tls13, good.SslProtocol);
    }

    [Fact]
    public async Task HTTP_2_works_over_TLS()
    {
        await using var server = await StartAsync(WriteCertificate("a"));
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/v1/a%2e%2e/b", UriKind.Relative));
        request.Version = HttpVersion.Version20;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;

        using var reply = await server.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NoContent, reply.StatusCode);
    }

    [Fact]
    public async Task Unix_socket_answers_and_has_the_mode_that_was_asked_for()
    {
        var path = _folder.File("s.sock");
        var mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        await using (
            var server = await DialectServer.StartAsync(
                (request, _) => new(request.RemoteAddress.Equals(IPAddress.Loopback) ? Outcome.Done : Fault.Denied()),
                listener: new Listener(new UnixAddress(path) { Mode = mode })
            )
        )
        {
            using var reply = await server.Client.GetAsync(
                new Uri("/v1/a", UriKind.Relative),
                TestContext.Current.CancellationToken
            );

            Assert.Equal(HttpStatusCode.NoContent, reply.StatusCode);
            Assert.Equal(mode, File.GetUnixFileMode(path));
        }

        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task Socket_that_a_dead_server_left_is_replaced_and_a_living_one_is_not()
    {
        var path = _folder.File("s.sock");
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(path));
            dead.Listen();
            // .NET removes the file with the socket; a killed process would not.
            File.Move(path, path + ".kept");
        }

        File.Move(path + ".kept", path);
        await using var server = await DialectServer.StartAsync(
            (_, _) => new(Outcome.Done),
            listener: new Listener(new UnixAddress(path))
        );

        await Assert.ThrowsAnyAsync<Exception>(() =>
            DialectServer.StartAsync((_, _) => new(Outcome.Done), listener: new Listener(new UnixAddress(path)))
        );
        using var reply = await server.Client.GetAsync(
            new Uri("/v1/a", UriKind.Relative),
            TestContext.Current.CancellationToken
        );
        Assert.Equal(HttpStatusCode.NoContent, reply.StatusCode);
    }

    [Fact]
    public async Task Request_header_is_required_where_the_listener_says_so()
    {
        var listener = new Listener(new TcpAddress(new IPEndPoint(IPAddress.Loopback, 0), null))
        {
            RequireRequestHeader = true,
        };
        await using var server = await DialectServer.StartAsync((_, _) => new(Outcome.Done), listener: listener);

        Assert.StartsWith("HTTP/1.1 400 ", await server.RawGetAsync("/v1/a"));
        Assert.StartsWith(
            "HTTP/1.1 204 ",
            await server.RawAsync("GET /v1/a HTTP/1.1\r\nHost: x\r\nX-Vault-Request: true\r\nConnection: close\r\n\r\n")
        );
    }

    [Fact]
    public async Task Metrics_are_open_only_where_the_listener_says_so()
    {
        var open = new Listener(new TcpAddress(new IPEndPoint(IPAddress.Loopback, 0), null))
        {
            UnauthenticatedMetrics = true,
        };
        await using var one = await DialectServer.StartAsync((_, _) => new(Fault.Denied()), listener: open);
        await using var other = await DialectServer.StartAsync((_, _) => new(Fault.Denied()));

        Assert.Contains("up 1\n", await one.RawGetAsync("/v1/sys/metrics?format=prometheus"));
        Assert.StartsWith("HTTP/1.1 403 ", await other.RawGetAsync("/v1/sys/metrics"));
    }

    private static Task<DialectServer> StartAsync(TlsFiles files) =>
        DialectServer.StartAsync(
            (_, _) => new(Outcome.Done),
            listener: new Listener(new TcpAddress(new IPEndPoint(IPAddress.Loopback, 0), files))
        );

    private static async Task<SslStream> ConnectAsync(DialectServer server, SslProtocols protocols)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, server.Url.Port, cancellation);
        var stream = new SslStream(client.GetStream());
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                EnabledSslProtocols = protocols,
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    certificate?.Issuer.Contains("mayfly test", StringComparison.Ordinal) == true,
            },
            cancellation
        );
        return stream;
    }

    private static string SerialOwner(SslStream stream) =>
        ((X509Certificate2)stream.RemoteCertificate!).GetNameInfo(X509NameType.DnsName, forIssuer: false);

    private TlsFiles WriteCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=mayfly test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(
            DateTimeOffset.UnixEpoch,
            DateTimeOffset.UnixEpoch.AddYears(100)
        );
        var files = new TlsFiles(_folder.File("tls.crt"), _folder.File("tls.key"));
        File.WriteAllText(files.Certificate, certificate.ExportCertificatePem());
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem());
        return files;
    }
}
