using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Rotation.Webhook;

/// <summary>
/// Calls rotation functions: one signed POST per step, with the members of AWS's event. Safe for concurrent use.
/// </summary>
internal sealed class HookCall(VaultOptions server, TimeProvider time) : IDisposable
{
    private const int LongestAnswer = 64 * 1024;
    private const int LongestReason = 300;
    private const string Local = "localhost";

    private readonly HttpClient _client = ClientFor("");

    /// <summary>Why the function may not be called at that address, or null.</summary>
    public static Fault? Problem(Uri url, bool allowPlainHttp) =>
        url.UserInfo.Length > 0 ? Fault.Invalid("url must not contain a user or password")
        : url.Scheme == Uri.UriSchemeHttps ? null
        : url.Scheme != Uri.UriSchemeHttp ? Fault.Invalid("url must be an https:// address")
        : allowPlainHttp || IsLoopback(url) ? null
        : Fault.Invalid(
            "url must be https, since secrets pass over it; http is for this machine, or with allow_plain_http=true"
        );

    /// <summary>Why no function could call back, or null.</summary>
    public Fault? NoWayBack() =>
        Uri.TryCreate(server.ApiAddress(), UriKind.Absolute, out var own)
        && (own.Scheme == Uri.UriSchemeHttps || own.Scheme == Uri.UriSchemeHttp)
            ? null
            : Fault.Invalid(
                "the function is told where to call back, and the server does not know under which address it is reached: set "
                    + "api_addr in the server's configuration, such as https://mayfly.example:8200"
            );

    /// <summary>What is wrong with certificates in PEM, or null.</summary>
    public static Fault? CaProblem(string pem)
    {
        try
        {
            return Authorities(pem).Count > 0 ? null : Fault.Invalid("ca_cert has no certificate in PEM");
        }
        catch (CryptographicException)
        {
            return Fault.Invalid("ca_cert is not a certificate in PEM");
        }
    }

    /// <summary>Has the function carry out a step.</summary>
    /// <param name="settings">Where and how.</param>
    /// <param name="name">The rotation's name: the event's <c>SecretId</c>.</param>
    /// <param name="step">Such as <c>createSecret</c>.</param>
    /// <param name="version">The event's <c>ClientRequestToken</c>.</param>
    /// <param name="token">What the function may call back with while it is at work.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Why it failed, with what the function says of it, or null.</returns>
    public async ValueTask<Fault?> CallAsync(
        HookSettings settings,
        string name,
        string step,
        string version,
        string token,
        CancellationToken cancellation
    )
    {
        if (NoWayBack() is { } lost)
        {
            return lost;
        }

        var body = Event(name, step, version, token);
        using var limit = new CancellationTokenSource(settings.Timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        var own = settings.CaCert.Length > 0 ? ClientFor(settings.CaCert) : null;
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, settings.Url)
            {
                Content = new ByteArrayContent(body),
            };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            Sign(request, settings.SigningKey, body);
            using var response = await (own ?? _client).SendAsync(request, both.Token);
            return response.IsSuccessStatusCode
                ? null
                : Fault.Unavailable(
                    $"the rotation function answered {step} with {(int)response.StatusCode}{await ReasonAsync(response, both.Token)}"
                );
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Fault.Unavailable(
                $"the rotation function did not answer {step} within {settings.Timeout.TotalSeconds:0} seconds"
            );
        }
        catch (HttpRequestException e)
        {
            return Fault.Unavailable($"the rotation function could not be called for {step}: {e.HttpRequestError}");
        }
        finally
        {
            own?.Dispose();
            CryptographicOperations.ZeroMemory(body);
        }
    }

    public void Dispose() => _client.Dispose();

    private byte[] Event(string name, string step, string version, string token)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("Step", step);
            writer.WriteString("SecretId", name);
            writer.WriteString("ClientRequestToken", version);
            writer.WriteString("RotationToken", token);
            // Where the function's calls go to which AWS's own would answer.
            writer.WriteString("MayflyAddress", server.ApiAddress());
            writer.WriteString("MayflyPath", $"sys/rotation/hook/{name}");
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    /// <summary>HMAC-SHA256 over the time, a dot and the body: a call that is caught cannot be repeated later.</summary>
    private void Sign(HttpRequestMessage request, string key, byte[] body)
    {
        var seconds = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(key));
        hmac.AppendData(Encoding.ASCII.GetBytes(seconds + "."));
        hmac.AppendData(body);
        request.Headers.Add("X-Mayfly-Timestamp", seconds);
        request.Headers.Add("X-Mayfly-Signature", "sha256=" + Convert.ToHexStringLower(hmac.GetHashAndReset()));
    }

    /// <summary>What a failed function says, in the form of AWS Lambda's errors.</summary>
    private static async ValueTask<string> ReasonAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        try
        {
            using var document = JsonDocument.Parse(
                await response.Content.ReadAsByteArrayAsync(cancellation),
                Json.DocumentOptions
            );
            var reason =
                document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("errorMessage", out var message)
                && message.ValueKind == JsonValueKind.String
                    ? message.GetString()!
                    : "";
            return reason.Length == 0 ? "" : ": " + reason[..Math.Min(reason.Length, LongestReason)];
        }
        catch (JsonException)
        {
            return "";
        }
    }

    private static bool IsLoopback(Uri url) =>
        url.IdnHost == Local || (IPAddress.TryParse(url.IdnHost, out var address) && IPAddress.IsLoopback(address));

    private static HttpClient ClientFor(string caCert)
    {
        var handler = new SocketsHttpHandler
        {
            // A redirect would carry the token to somewhere that nobody configured.
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        };
        if (caCert.Length > 0)
        {
            handler.SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(Authorities(caCert));
        }

        return new HttpClient(handler)
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = LongestAnswer,
        };
    }

    private static X509Certificate2Collection Authorities(string pem)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(pem);
        return authorities;
    }
}
