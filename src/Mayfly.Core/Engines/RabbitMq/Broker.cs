using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.RabbitMq;

/// <summary>
/// RabbitMQ through its management API. Connections are kept and shared; every call has a limit. Messages name the address
/// and what was refused, never a password. Safe for concurrent use.
/// </summary>
internal sealed class Broker : IDisposable
{
    private const int MaxReply = 1 << 20;

    /// <summary>How long one call may take, with connecting.</summary>
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http;
    private readonly string _base;
    private readonly X509Certificate2Collection _authorities;

    private Broker(ConnectionConfig config, X509Certificate2Collection authorities)
    {
        Config = config;
        _authorities = authorities;
        _base = config.Uri.TrimEnd('/') + "/api/";
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = ConnectLimit,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            SslOptions = { CertificateChainPolicy = authorities.Count == 0 ? null : ChainTo(authorities) },
        };
        _http = new HttpClient(handler) { Timeout = CallLimit, MaxResponseContentBufferSize = MaxReply };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Basic",
            Convert.ToBase64String(Encoding.UTF8.GetBytes($"{config.Username}:{config.Password}"))
        );
    }

    public ConnectionConfig Config { get; }

    /// <summary>The broker that a configuration describes, or what is wrong with the configuration. Connects to nothing.</summary>
    public static (Broker? Broker, Fault? Fault) Of(ConnectionConfig config)
    {
        if (
            !Uri.TryCreate(config.Uri, UriKind.Absolute, out var uri)
            || uri.Scheme is not ("http" or "https")
            || uri.UserInfo.Length > 0
            || uri.Query.Length > 0
            || uri.Fragment.Length > 0
        )
        {
            return (
                null,
                Fault.Invalid(
                    "connection_uri must be the address of RabbitMQ's management API, such as http://rabbit:15672,"
                        + " without a user in it"
                )
            );
        }

        if (config.Username.Contains(':', StringComparison.Ordinal) || config.Username.Any(char.IsControl))
        {
            return (null, Fault.Invalid("username must hold neither a colon nor control characters"));
        }

        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(config.CaCert);
        }
        catch (System.Security.Cryptography.CryptographicException)
        {
            authorities.Clear();
        }

        return config.CaCert.Length > 0 && authorities.Count == 0
            ? (null, Fault.Invalid("ca_cert must hold certificates in PEM"))
            : (new Broker(config, authorities), null);
    }

    /// <summary>Whether the address, the user and the password are right, and the user may manage users.</summary>
    public async ValueTask<Fault?> VerifyAsync(CancellationToken cancellation)
    {
        var (_, fault) = await CallAsync(HttpMethod.Get, $"users/{Part(Config.Username)}", body: null, cancellation);
        return fault;
    }

    /// <summary>Makes a user with all its permissions. After a fault some of it may exist.</summary>
    public async ValueTask<Fault?> CreateUserAsync(
        string name,
        string password,
        Role role,
        CancellationToken cancellation
    )
    {
        var (_, fault) = await CallAsync(
            HttpMethod.Put,
            $"users/{Part(name)}",
            Body(("password", password), ("tags", role.Tags)),
            cancellation
        );
        foreach (var (vhost, permissions) in role.Vhosts)
        {
            (_, fault) = fault is not null
                ? (null, fault)
                : await CallAsync(
                    HttpMethod.Put,
                    $"permissions/{Part(vhost)}/{Part(name)}",
                    Body(
                        ("configure", permissions.Configure),
                        ("write", permissions.Write),
                        ("read", permissions.Read)
                    ),
                    cancellation,
                    vhost
                );
        }

        foreach (var (vhost, exchanges) in role.VhostTopics)
        {
            foreach (var (exchange, permissions) in exchanges)
            {
                (_, fault) = fault is not null
                    ? (null, fault)
                    : await CallAsync(
                        HttpMethod.Put,
                        $"topic-permissions/{Part(vhost)}/{Part(name)}",
                        Body(("exchange", exchange), ("write", permissions.Write), ("read", permissions.Read)),
                        cancellation,
                        vhost
                    );
            }
        }

        return fault;
    }

    /// <summary>Removes a user, and closes its open connections. Idempotent.</summary>
    public async ValueTask<Fault?> DeleteUserAsync(string name, CancellationToken cancellation)
    {
        var (_, fault) = await CallAsync(
            HttpMethod.Delete,
            $"users/{Part(name)}",
            body: null,
            cancellation,
            goneIsFine: true
        );
        if (fault is not null)
        {
            return fault;
        }

        // Nobody connects as this user any more. The broker closes the connections of a deleted user by itself, but tells
        // nobody when; what it has not closed yet is closed here.
        (var reply, fault) = await CallAsync(
            HttpMethod.Get,
            $"connections/username/{Part(name)}",
            body: null,
            cancellation,
            goneIsFine: true
        );
        foreach (var connection in fault is null ? ConnectionsOf(reply) : [])
        {
            (_, fault) = fault is not null
                ? (null, fault)
                : await CallAsync(
                    HttpMethod.Delete,
                    $"connections/{Part(connection)}",
                    body: null,
                    cancellation,
                    goneIsFine: true
                );
        }

        return fault;
    }

    public void Dispose()
    {
        _http.Dispose();
        foreach (var authority in _authorities)
        {
            authority.Dispose();
        }
    }

    private static X509ChainPolicy ChainTo(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }

    /// <param name="method">The method.</param>
    /// <param name="path">Below <c>/api/</c>.</param>
    /// <param name="body">JSON, or null.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <param name="vhost">What a 404 says is missing, and a 400 is about; null when it says nothing for the caller.</param>
    /// <param name="goneIsFine">A 404 is no failure.</param>
    private async ValueTask<(byte[]? Reply, Fault? Fault)> CallAsync(
        HttpMethod method,
        string path,
        byte[]? body,
        CancellationToken cancellation,
        string? vhost = null,
        bool goneIsFine = false
    )
    {
        try
        {
            using var request = new HttpRequestMessage(method, _base + path);
            if (body is not null)
            {
                request.Content = new ByteArrayContent(body);
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            }

            using var response = await _http.SendAsync(request, cancellation);
            var reply = await response.Content.ReadAsByteArrayAsync(cancellation);
            return response.IsSuccessStatusCode || goneIsFine && response.StatusCode == HttpStatusCode.NotFound
                ? (reply, null)
                : (null, FaultOf(response.StatusCode, reply, vhost));
        }
        catch (HttpRequestException e)
        {
            return (null, Away(Reason(e)));
        }
        catch (IOException)
        {
            return (null, Away("the connection broke"));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return (null, Away($"no answer within {CallLimit.TotalSeconds} s"));
        }
        finally
        {
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(body);
        }
    }

    private static string Reason(HttpRequestException e) =>
        e.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => "its name cannot be resolved",
            HttpRequestError.ConnectionError => "it cannot be connected to",
            HttpRequestError.SecureConnectionError =>
                "its certificate is not trusted; ca_cert sets the authorities to trust",
            HttpRequestError.ConfigurationLimitExceeded => "its answer is too long",
            _ => "it does not speak HTTP as expected",
        };

    private Fault Away(string reason) =>
        Fault.Unavailable($"RabbitMQ's management API at {Config.Uri} is not available: {reason}");

    private Fault FaultOf(HttpStatusCode status, byte[] reply, string? vhost) =>
        status switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => Fault.Unavailable(
                $"RabbitMQ at {Config.Uri} does not let the user of config/connection manage users: its password is wrong,"
                    + " or it lacks the tag administrator"
            ),
            HttpStatusCode.BadRequest or HttpStatusCode.NotFound when vhost is not null => Fault.Invalid(
                $"RabbitMQ refuses the permissions for the virtual host \"{vhost}\": {ReasonIn(reply)}"
            ),
            _ => Away($"it answered with status {(int)status}"),
        };

    /// <summary>What RabbitMQ says is wrong with permissions, in which there is nothing secret.</summary>
    private static string ReasonIn(byte[] reply)
    {
        const string Unsaid = "it does not say why";
        try
        {
            using var json = JsonDocument.Parse(reply);
            var reason = json.RootElement.TryGetProperty("reason", out var told) ? told : default;
            if (reason.ValueKind == JsonValueKind.Array && reason.GetArrayLength() > 0)
            {
                // An Erlang term: what follows its name are lists of character codes.
                reason = reason[0];
            }

            return reason.ValueKind != JsonValueKind.String
                ? Unsaid
                : reason.GetString() switch
                {
                    "vhost_or_user_not_found" => "it has no such virtual host",
                    "invalid_regexp" => "a regular expression is not valid",
                    var text => new string([.. text!.Take(200).Select(c => char.IsControl(c) ? ' ' : c)]),
                };
        }
        catch (JsonException)
        {
            return Unsaid;
        }
    }

    private static IEnumerable<string> ConnectionsOf(byte[]? reply)
    {
        try
        {
            using var json = JsonDocument.Parse(reply ?? "[]"u8.ToArray());
            return json.RootElement.ValueKind == JsonValueKind.Array
                ?
                [
                    .. json
                        .RootElement.EnumerateArray()
                        .Where(connection =>
                            connection.ValueKind == JsonValueKind.Object && connection.TryGetProperty("name", out _)
                        )
                        .Select(connection => connection.GetProperty("name").ToString()),
                ]
                : [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private static byte[] Body(params ReadOnlySpan<(string Name, string Value)> members)
    {
        using var buffer = new Mayfly.Crypto.SecretBufferWriter();
        using (var writer = new Utf8JsonWriter(buffer, Json.WriterOptions))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in members)
            {
                writer.WriteString(name, value);
            }

            writer.WriteEndObject();
        }

        using var bytes = buffer.Detach();
        return bytes.Span.ToArray();
    }

    private static string Part(string name) => Uri.EscapeDataString(name);
}
