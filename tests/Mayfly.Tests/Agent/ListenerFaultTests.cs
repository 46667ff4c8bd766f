using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mayfly.Tests.Agent;

/// <summary>Listeners while the server is away, and while their certificates change.</summary>
public sealed class ListenerFaultTests
{
    private const int HangUp = 1;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stored_secret_is_served_for_five_minutes_while_the_server_is_away_and_anew_when_it_is_back()
    {
        using var folder = new AgentFolder();
        var port = FreePort.Choose();
        Directory.CreateDirectory(folder.At("data"));
        var time = new ManualTime();
        var server = await ServerAsync(folder, port);
        using (var root = AgentServer.RootOf(server.Address))
        {
            await AgentServer.PrepareAsync(root);
            await AgentServer.AppRoleAsync(root, folder, "app", "1h");
            await AgentServer.WriteAsync(root, "secret/data/app", """{"data":{"v":"one"}}""");
        }

        await using var agent = await RunningAgent.StartAsync(
            $$"""
            vault {
              address = "http://127.0.0.1:{{port}}"
              retry { num_retries = -1 }
            }
            auto_auth {
              method "approle" {
                config = { role_id_file_path = "{{folder.At("roleid")}}" secret_id_file_path = "{{folder.At(
                "secretid"
            )}}" }
              }
            }
            api_proxy { use_auto_auth_token = true }
            cache { cache_static_secrets = true }
            listener "tcp" { address = "127.0.0.1:0" tls_disable = true }
            """,
            time
        );
        using var http = new HttpClient { BaseAddress = new Uri(agent.Address) };
        await agent.UntilAsync(() => ReadAsync(http).Result.How == "HIT", "it is not kept");
        await server.StopAsync();
        await server.DisposeAsync();

        await agent.UntilAsync(
            () => ReadAsync(http).Result.How == "STALE",
            "it is not served while the server is away"
        );
        var stale = await ReadAsync(http);
        Assert.Equal(HttpStatusCode.OK, stale.Status);
        Assert.Contains("\"one\"", stale.Body, StringComparison.Ordinal);
        time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.BadGateway, (await ReadAsync(http)).Status);

        await using var back = await ServerAsync(folder, port);
        using var again = AgentServer.RootOf(back.Address);
        await AgentServer.WriteAsync(again, "secret/data/app", """{"data":{"v":"two"}}""");
        await agent.UntilAsync(
            () => ReadAsync(http).Result.Body.Contains("\"two\"", StringComparison.Ordinal),
            "the new value is not served"
        );
        await agent.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return ReadAsync(http).Result.How == "HIT";
            },
            "it is not kept again"
        );
    }

    [Fact]
    public async Task A_certificate_is_read_anew_at_a_hang_up_and_a_broken_one_leaves_the_old()
    {
        using var folder = new AgentFolder();
        await using var server = await ServerProcess.StartDevAsync();
        var first = WriteCertificate(folder);
        var file = folder.Write(
            "agent.hcl",
            $$"""
            vault { address = "{{server.Address}}" }
            listener "tcp" {
              address       = "127.0.0.1:0"
              tls_cert_file = "{{folder.At("cert.pem")}}"
              tls_key_file  = "{{folder.At("key.pem")}}"
            }
            """
        );
        await using var agent = AgentProcess.Start(["agent", $"-config={file}"]);
        await agent.SaysAsync("Listening at https://");
        var port = int.Parse(
            agent.Output.Split("https://127.0.0.1:")[1].Split(['\n', ','])[0],
            System.Globalization.CultureInfo.InvariantCulture
        );
        Assert.Equal(first, await ShownAsync(port));

        var second = WriteCertificate(folder);
        Assert.Equal(first, await ShownAsync(port));
        agent.Signal(HangUp);
        await agent.UntilAsync(() => ShownAsync(port).Result == second, "the new certificate is not shown");

        folder.Write("cert.pem", "-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n");
        agent.Signal(HangUp);
        await agent.SaysAsync("cannot use the certificate");
        Assert.Equal(second, await ShownAsync(port));
    }

    private static Task<ServerProcess> ServerAsync(AgentFolder folder, int port) =>
        ServerProcess.StartDevAsync(folder.At("data"), $"-dev-listen-address=127.0.0.1:{port}");

    private static async Task<(HttpStatusCode Status, string How, string Body)> ReadAsync(HttpClient http)
    {
        using var reply = await http.GetAsync("/v1/secret/data/app", Cancellation);
        var how = reply.Headers.TryGetValues("X-Cache", out var values) ? values.Single() : "";
        return (reply.StatusCode, how, await reply.Content.ReadAsStringAsync(Cancellation));
    }

    /// <summary>A new certificate and its key in the folder; gives its fingerprint.</summary>
    private static string WriteCertificate(AgentFolder folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(
            TimeProvider.System.GetUtcNow().AddDays(-1),
            TimeProvider.System.GetUtcNow().AddDays(1)
        );
        folder.Write("cert.pem", certificate.ExportCertificatePem());
        folder.Write("key.pem", key.ExportPkcs8PrivateKeyPem());
        return certificate.Thumbprint;
    }

    /// <summary>The fingerprint of the certificate that a new connection is shown.</summary>
    private static async Task<string> ShownAsync(int port)
    {
        string? shown = null;
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, port, Cancellation);
        await using var tls = new SslStream(socket.GetStream());
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                // Nobody has signed it: which one it is, is what is asked.
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                {
                    shown = (certificate as X509Certificate2)?.Thumbprint;
                    return shown is not null;
                },
            },
            Cancellation
        );
        return shown!;
    }
}
