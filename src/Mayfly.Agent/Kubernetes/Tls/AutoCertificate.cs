using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Kubernetes.Tls;

/// <summary>
/// Gives all replicas one certificate, and tells API servers to trust it. The certificate lies in a secret; whoever finds none,
/// or an old one, writes another, and the version of the secret says who was first. Nobody is elected.
/// </summary>
internal sealed class AutoCertificate(
    ApiServer server,
    InjectorOptions options,
    ServingCertificate serving,
    ILogger log
)
{
    private const string Json = "application/json";
    private const int MostAttempts = 5;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private string _inUse = "";

    /// <summary>Returns when there is a certificate and the webhook configuration trusts it.</summary>
    public async Task PrepareAsync(CancellationToken cancellation)
    {
        while (await TryOnceAsync(cancellation) is { } problem)
        {
            log.LogWarning("No certificate yet: {Problem}", problem);
            await Task.Delay(Pause, options.Time, cancellation);
        }
    }

    /// <summary>Renews the certificate, and puts right what others change, until <paramref name="cancellation"/> ends it.</summary>
    public async Task KeepAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, options.Time);
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            if (await TryOnceAsync(cancellation) is { } problem)
            {
                log.LogWarning("The certificate in use stays: {Problem}", problem);
            }
        }
    }

    private async Task<string?> TryOnceAsync(CancellationToken cancellation)
    {
        try
        {
            var set = await AgreeAsync(cancellation);
            await TrustAsync(set, cancellation);
            if (set.Certificate != _inUse)
            {
                serving.Use(set.Certificate, set.Key);
                _inUse = set.Certificate;
                log.LogInformation(
                    "Certificate in use until {End:u}",
                    DateTimeOffset.FromUnixTimeSeconds(serving.EndsAt)
                );
            }

            return null;
        }
        catch (Exception failure)
            when (failure
                    is HttpRequestException
                        or IOException
                        or UnauthorizedAccessException
                        or CryptographicException
            )
        {
            return failure.Message;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return "the API server did not answer in time";
        }
    }

    private async Task<CertificateSet> AgreeAsync(CancellationToken cancellation)
    {
        var all = $"api/v1/namespaces/{server.Namespace}/secrets";
        var path = $"{all}/{options.TlsAutoSecret}";
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var (status, found) = await server.SendAsync(HttpMethod.Get, path, null, Json, cancellation);
            if (status is not (HttpStatusCode.OK or HttpStatusCode.NotFound))
            {
                throw Refused("reading the secret", path, status, found);
            }

            var now = options.Time.GetUtcNow();
            var stored = status == HttpStatusCode.OK ? Stored(found) : null;
            if (stored is not null && OwnAuthority.IsGood(stored, options.TlsAutoHosts, now))
            {
                return stored;
            }

            var made = OwnAuthority.Make(options.TlsAutoHosts, now, stored);
            var secret = new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "Secret",
                ["type"] = "Opaque",
                ["metadata"] = new JsonObject
                {
                    ["name"] = options.TlsAutoSecret,
                    ["namespace"] = server.Namespace,
                    ["labels"] = new JsonObject { ["app.kubernetes.io/name"] = "mayfly-injector" },
                },
                ["data"] = new JsonObject
                {
                    ["ca.crt"] = Encoded(made.Authorities),
                    ["tls.crt"] = Encoded(made.Certificate),
                    ["tls.key"] = Encoded(made.Key),
                },
            };
            if (PodView.Text(found["metadata"] as JsonObject, "resourceVersion") is { } version && stored is not null)
            {
                secret["metadata"]!["resourceVersion"] = version;
            }
            else if (status == HttpStatusCode.OK)
            {
                // Ours by name, and not of our making: a secret that holds something else is not overwritten.
                throw new HttpRequestException(
                    $"the secret {server.Namespace}/{options.TlsAutoSecret} has no ca.crt, tls.crt and tls.key; delete it"
                );
            }

            var (written, answer) = stored is null
                ? await server.SendAsync(HttpMethod.Post, all, secret, Json, cancellation)
                : await server.SendAsync(HttpMethod.Put, path, secret, Json, cancellation);
            if (written is HttpStatusCode.OK or HttpStatusCode.Created)
            {
                log.LogInformation("A new certificate is in the secret {Secret}", options.TlsAutoSecret);
                return made;
            }

            if (written != HttpStatusCode.Conflict)
            {
                throw Refused("writing the secret", path, written, answer);
            }
            // Another replica was first; its certificate is there now.
        }

        throw new HttpRequestException($"the secret {path} changed under every attempt to write it");
    }

    private async Task TrustAsync(CertificateSet set, CancellationToken cancellation)
    {
        var path = $"apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{options.TlsAuto}";
        var (status, configuration) = await server.SendAsync(HttpMethod.Get, path, null, Json, cancellation);
        if (status != HttpStatusCode.OK)
        {
            throw Refused("reading the webhook configuration", path, status, configuration);
        }

        var bundle = Encoded(set.Authorities);
        var patch = new JsonArray();
        var webhooks = PodView.List(configuration, "webhooks");
        for (var i = 0; i < webhooks.Count; i++)
        {
            if (PodView.Text(webhooks[i]["clientConfig"] as JsonObject, "caBundle") != bundle)
            {
                patch.Add(
                    (JsonNode)
                        JsonPatch.Add(
                            string.Create(CultureInfo.InvariantCulture, $"/webhooks/{i}/clientConfig/caBundle"),
                            bundle
                        )
                );
            }
        }

        if (patch.Count == 0)
        {
            return;
        }

        var (patched, answer) = await server.SendAsync(
            HttpMethod.Patch,
            path,
            patch,
            "application/json-patch+json",
            cancellation
        );
        if (patched != HttpStatusCode.OK)
        {
            throw Refused("changing the webhook configuration", path, patched, answer);
        }

        log.LogInformation("The webhook configuration {Name} trusts the certificate", options.TlsAuto);
    }

    private static CertificateSet? Stored(JsonObject secret)
    {
        var data = secret["data"] as JsonObject;
        return
            Decoded(data, "ca.crt") is { } authorities
            && Decoded(data, "tls.crt") is { } certificate
            && Decoded(data, "tls.key") is { } key
            ? new CertificateSet(authorities, certificate, key)
            : null;
    }

    private static string? Decoded(JsonObject? data, string name)
    {
        if (PodView.Text(data, name) is not { Length: > 0 } text)
        {
            return null;
        }

        try
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(text));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static string Encoded(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static HttpRequestException Refused(string doing, string path, HttpStatusCode status, JsonObject answer) =>
        new(
            $"{doing} {path} was refused with {(int)status}: {PodView.Text(answer, "message") ?? "no reason given"}",
            null,
            status
        );
}
