using System.Net;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mayfly.Tests.Server;

[SupportedOSPlatform("linux")]
public sealed class ReloadUnderLoadTests : IDisposable
{
    private const int Callers = 4;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task SIGHUP_under_load_serves_the_new_certificate_and_fails_nobody()
    {
        WriteCertificate("first");
        var file = _folder.File("vault.hcl");
        File.WriteAllText(
            file,
            $$"""
            listener "tcp" {
              address       = "127.0.0.1:0"
              tls_cert_file = "{{_folder.File("tls.crt")}}"
              tls_key_file  = "{{_folder.File("tls.key")}}"
            }
            storage "inmem" {}
            """
        );
        await using var server = await ServerRun.StartAsync("server", $"-config={file}");
        using var stop = new CancellationTokenSource();
        var answers = new int[Callers];
        var callers = Enumerable
            .Range(0, Callers)
            .Select(i => Task.Run(() => CallAsync(server.Client.BaseAddress!, i, answers, stop.Token)))
            .ToList();

        foreach (var name in new[] { "second", "third", "fourth" })
        {
            await MoreAsync(answers, callers);
            WriteCertificate(name);
            server.Signal("HUP");
            await ServedAsync(server.Client.BaseAddress!, name);
        }

        await MoreAsync(answers, callers);
        await stop.CancelAsync();
        await Task.WhenAll(callers);
        Assert.DoesNotContain("[ERROR]", server.Output, StringComparison.Ordinal);
    }

    /// <summary>Half of the callers keep their connection, the others make one for each request. Any failure is thrown.</summary>
    private static async Task CallAsync(Uri address, int caller, int[] answers, CancellationToken stop)
    {
        using var handler = Handler((_, _) => { });
        handler.PooledConnectionLifetime = caller % 2 == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.Zero;
        using var client = new HttpClient(handler) { BaseAddress = address };
        while (!stop.IsCancellationRequested)
        {
            using var reply = await client.GetAsync(
                new Uri("/v1/sys/seal-status", UriKind.Relative),
                CancellationToken.None
            );
            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
            Interlocked.Increment(ref answers[caller]);
        }
    }

    private static async Task MoreAsync(int[] answers, IReadOnlyList<Task> callers)
    {
        var before = answers.ToArray();
        while (Enumerable.Range(0, Callers).Any(i => Volatile.Read(ref answers[i]) < before[i] + 20))
        {
            Assert.DoesNotContain(callers, caller => caller.IsFaulted);
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    private static async Task ServedAsync(Uri address, string name)
    {
        for (var i = 0; ; i++)
        {
            var subject = "";
            using var handler = Handler((_, certificate) => subject = certificate);
            using var client = new HttpClient(handler) { BaseAddress = address };
            using var reply = await client.GetAsync(
                new Uri("/v1/sys/seal-status", UriKind.Relative),
                TestContext.Current.CancellationToken
            );
            if (subject == $"CN={name}")
            {
                return;
            }

            Assert.True(i < 1_000, $"still {subject}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    private static SocketsHttpHandler Handler(Action<object, string> shown)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (sender, certificate, _, _) =>
        {
            shown(sender, certificate!.Subject);
            return certificate.Issuer == certificate.Subject;
        };
        return handler;
    }

    private void WriteCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(
            DateTimeOffset.UnixEpoch,
            DateTimeOffset.UnixEpoch.AddYears(100)
        );
        File.WriteAllText(_folder.File("tls.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(_folder.File("tls.key"), key.ExportPkcs8PrivateKeyPem());
    }
}
