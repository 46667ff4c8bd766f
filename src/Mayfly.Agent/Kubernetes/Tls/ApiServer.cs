using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mayfly.Agent.Kubernetes.Tls;

/// <summary>How to call Kubernetes' API server.</summary>
/// <param name="Address">Its root.</param>
/// <param name="TokenFile">The service account's token; read at each request, because it is renewed.</param>
/// <param name="AuthorityFile">PEM of whom to trust for it; null for the system's.</param>
/// <param name="Namespace">The namespace of this pod.</param>
internal sealed record ApiServerAccess(Uri Address, string TokenFile, string? AuthorityFile, string Namespace)
{
    private const string Mounted = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>What Kubernetes gives every pod.</summary>
    /// <exception cref="AgentException">This is no pod, or it has no service account.</exception>
    public static ApiServerAccess OfPod(Func<string, string?> environment)
    {
        if (environment("KUBERNETES_SERVICE_HOST") is not { Length: > 0 } host)
        {
            throw new AgentException(
                "-tls-auto needs Kubernetes' API server, and this is no pod; use -tls-cert-file and -tls-key-file"
            );
        }

        var port = environment("KUBERNETES_SERVICE_PORT") is { Length: > 0 } given ? given : "443";
        try
        {
            return new ApiServerAccess(
                new Uri($"https://{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}/"),
                $"{Mounted}/token",
                $"{Mounted}/ca.crt",
                File.ReadAllText($"{Mounted}/namespace").Trim()
            );
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or UriFormatException)
        {
            throw new AgentException($"-tls-auto needs a service account: {failure.Message}", failure);
        }
    }
}

/// <summary>The few calls that the injector makes to Kubernetes' API server.</summary>
internal sealed class ApiServer : IDisposable
{
    private const int LongestAnswer = 4 * 1024 * 1024;

    private readonly ApiServerAccess _access;
    private readonly HttpClient _http;

    public ApiServer(ApiServerAccess access)
    {
        _access = access;
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false };
        if (access.AuthorityFile is { } file)
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(file);
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        _http = new HttpClient(handler)
        {
            BaseAddress = access.Address,
            Timeout = TimeSpan.FromSeconds(20),
            MaxResponseContentBufferSize = LongestAnswer,
        };
    }

    public string Namespace => _access.Namespace;

    /// <exception cref="HttpRequestException">The server cannot be reached, or its answer is no JSON object.</exception>
    public async Task<(HttpStatusCode Status, JsonObject Body)> SendAsync(
        HttpMethod method,
        string path,
        JsonNode? body,
        string contentType,
        CancellationToken cancellation
    )
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue(
            "Bearer",
            (await File.ReadAllTextAsync(_access.TokenFile, cancellation)).Trim()
        );
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (body is not null)
        {
            var buffer = new ArrayBufferWriter<byte>();
            using (var json = new Utf8JsonWriter(buffer))
            {
                body.WriteTo(json);
            }

            request.Content = new ReadOnlyMemoryContent(buffer.WrittenMemory);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        }

        using var response = await _http.SendAsync(request, cancellation);
        try
        {
            var answer = JsonNode.Parse(await response.Content.ReadAsByteArrayAsync(cancellation));
            return (response.StatusCode, answer as JsonObject ?? []);
        }
        catch (JsonException failure)
        {
            throw new HttpRequestException(
                $"{method} {path} was answered with {(int)response.StatusCode} and no JSON",
                failure,
                response.StatusCode
            );
        }
    }

    public void Dispose() => _http.Dispose();
}
