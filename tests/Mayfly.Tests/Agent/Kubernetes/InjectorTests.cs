using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Mayfly.Agent;
using Mayfly.Agent.Kubernetes;
using Mayfly.Agent.Kubernetes.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mayfly.Tests.Agent.Kubernetes;

/// <summary>The webhook as API servers call it: over TLS.</summary>
public sealed class InjectorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTime _time = new(TimeProvider.System.GetUtcNow());
    private CertificateSet _set;

    public InjectorTests()
    {
        _set = OwnAuthority.Make(["127.0.0.1"], _time.GetUtcNow(), before: null);
        Write(_set);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_review_is_answered_with_a_patch()
    {
        await using var injector = await StartAsync();
        using var client = Client(injector);
        using var answer = await PostAsync(client, Review.Document(Review.Ours(("agent-inject-secret-a", "s"))));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/json", answer.Content.Headers.ContentType!.MediaType);
        var review = JsonNode.Parse(await answer.Content.ReadAsStringAsync(Cancellation))!;
        Assert.True(review["response"]!["allowed"]!.GetValue<bool>());
        Assert.NotNull(review["response"]!["patch"]);
    }

    [Fact]
    public async Task What_is_no_review_is_refused_by_its_form()
    {
        await using var injector = await StartAsync();
        using var client = Client(injector);
        using var malformed = await PostAsync(client, "{"u8.ToArray());
        Assert.Equal(HttpStatusCode.BadRequest, malformed.StatusCode);
        using var huge = await PostAsync(client, new byte[(4 * 1024 * 1024) + 1]);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, huge.StatusCode);
        using var text = await PostAsync(client, "{}"u8.ToArray(), "text/plain");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, text.StatusCode);
        using var read = await client.GetAsync(new Uri("mutate", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, read.StatusCode);
        using var other = await client.GetAsync(new Uri("other", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
    }

    [Fact]
    public async Task It_tells_that_it_is_ready_and_what_it_has_done()
    {
        await using var injector = await StartAsync();
        using var client = Client(injector);
        using var ready = await client.GetAsync(new Uri("health/ready", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.NoContent, ready.StatusCode);
        (await PostAsync(client, Review.Document(Review.Ours(("agent-inject-secret-a", "s"))))).Dispose();
        (await PostAsync(client, Review.Document(Review.Ours(("agent-limits-cpu", "much"))))).Dispose();
        (await PostAsync(client, Review.Document(Review.Pod()))).Dispose();
        var metrics = await client.GetStringAsync(new Uri("metrics", UriKind.Relative), Cancellation);
        Assert.Contains("mayfly_injector_reviews_total{outcome=\"injected\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("mayfly_injector_reviews_total{outcome=\"refused\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("mayfly_injector_reviews_total{outcome=\"passed\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains($"mayfly_injector_certificate_end_seconds {EndOf(_set)}\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_that_changes_is_used_without_a_restart()
    {
        await using var injector = await StartAsync();
        Assert.Equal(ThumbprintOf(_set), await ShownAsync(injector));

        // Half of the change, as a reader in between sees it: the old one stays.
        var next = OwnAuthority.Make(["127.0.0.1"], _time.GetUtcNow(), _set);
        await File.WriteAllTextAsync(_folder.File("tls.crt"), next.Certificate, Cancellation);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(ThumbprintOf(_set), await ShownAsync(injector));

        Write(next);
        await EventuallyAsync(async () =>
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            return await ShownAsync(injector) == ThumbprintOf(next);
        });
    }

    [Fact]
    public async Task Old_tls_is_refused()
    {
        await using var injector = await StartAsync();
#pragma warning disable SYSLIB0039, CA5397 // That it is refused is what is tried.
        await Assert.ThrowsAnyAsync<Exception>(() => ShownAsync(injector, SslProtocols.Tls11));
#pragma warning restore SYSLIB0039, CA5397
        Assert.NotEmpty(await ShownAsync(injector, SslProtocols.Tls12));
        Assert.NotEmpty(await ShownAsync(injector, SslProtocols.Tls13));
    }

    [Fact]
    public async Task It_does_not_start_without_a_certificate()
    {
        await AssertRefusedAsync(new InjectorOptions { Listen = "127.0.0.1:0" }, "-tls-cert-file");
        await File.WriteAllTextAsync(_folder.File("tls.key"), "no key", Cancellation);
        await AssertRefusedAsync(Options(), "cannot use the certificate");
        await AssertRefusedAsync(Options() with { Listen = "8080" }, "-listen");
        await AssertRefusedAsync(
            new InjectorOptions { Listen = "127.0.0.1:0", TlsAuto = "mayfly-injector" },
            "this is no pod"
        );
    }

    private static async Task AssertRefusedAsync(InjectorOptions options, string why)
    {
        var refusal = await Assert.ThrowsAsync<AgentException>(() =>
            Injector.StartAsync(options, NullLoggerFactory.Instance, _ => null, Cancellation)
        );
        Assert.Contains(why, refusal.Message, StringComparison.Ordinal);
    }

    internal static async Task EventuallyAsync(Func<Task<bool>> holds)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (!await holds())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
        }
    }

    internal static string ThumbprintOf(CertificateSet set)
    {
        using var certificate = X509Certificate2.CreateFromPem(set.Certificate);
        return certificate.Thumbprint;
    }

    /// <summary>The thumbprint of the certificate that a client is shown.</summary>
    internal static async Task<string> ShownAsync(Injector injector, SslProtocols protocols = SslProtocols.None)
    {
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync("127.0.0.1", new Uri(injector.Address).Port, Cancellation);
        var shown = "";
#pragma warning disable CA5359 // Which certificate it is, is what is asked for.
        await using var tls = new SslStream(
            socket.GetStream(),
            leaveInnerStreamOpen: false,
            (_, certificate, _, _) =>
            {
                shown = certificate!.GetCertHashString();
                return true;
            }
        );
#pragma warning restore CA5359
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "127.0.0.1", EnabledSslProtocols = protocols },
            Cancellation
        );
        return shown;
    }

    private static long EndOf(CertificateSet set)
    {
        using var certificate = X509Certificate2.CreateFromPem(set.Certificate);
        return new DateTimeOffset(certificate.NotAfter).ToUnixTimeSeconds();
    }

    private static async Task<HttpResponseMessage> PostAsync(
        HttpClient client,
        byte[] body,
        string type = "application/json"
    )
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        return await client.PostAsync(new Uri("mutate?timeout=10s", UriKind.Relative), content, Cancellation);
    }

    private InjectorOptions Options() =>
        new()
        {
            Listen = "127.0.0.1:0",
            CertificateFile = _folder.File("tls.crt"),
            KeyFile = _folder.File("tls.key"),
            Defaults = new InjectorDefaults { Address = "http://mayfly:8200" },
            Time = _time,
        };

    private Task<Injector> StartAsync() =>
        Injector.StartAsync(Options(), NullLoggerFactory.Instance, _ => null, Cancellation);

    // Trusts the authority alone, as an API server does by caBundle.
    internal static HttpClient Client(string address, CertificateSet set)
    {
        var handler = new SocketsHttpHandler();
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.ImportFromPem(set.Authorities);
        handler.SslOptions.CertificateChainPolicy = policy;
        return new HttpClient(handler) { BaseAddress = new Uri(address + "/") };
    }

    private HttpClient Client(Injector injector) => Client(injector.Address, _set);

    private void Write(CertificateSet set)
    {
        _set = set;
        File.WriteAllText(_folder.File("tls.crt"), set.Certificate);
        File.WriteAllText(_folder.File("tls.key"), set.Key);
    }
}
