using Mayfly.Client.Logins;
using Mayfly.Client.Transport;

namespace Mayfly.Client;

/// <summary>Where the server is, how to trust it, and who calls it.</summary>
/// <remarks>Immutable once handed to a <see cref="MayflyClient"/>.</remarks>
public sealed record MayflyClientOptions
{
    /// <summary>The address when none is given: a server on this machine, as <c>mayflyd -dev</c> starts it.</summary>
    public const string DefaultAddress = "http://127.0.0.1:8200";

    /// <summary><c>http://host:port</c>, <c>https://host:port</c> or <c>unix:///path/of/socket</c>.</summary>
    public string Address { get; init; } = DefaultAddress;

    /// <summary>The token sent with every request that does not bring its own. A secret.</summary>
    public string? Token { get; init; }

    /// <summary>
    /// How the client logs in by itself, instead of <see cref="Token"/>. It stays logged in until it is disposed of.
    /// </summary>
    public ILoginMethod? Login { get; init; }

    /// <summary>How the login is kept.</summary>
    public LoginSessionOptions LoginSession { get; init; } = new();

    /// <summary>The namespace header, or none.</summary>
    public string? Namespace { get; init; }

    /// <summary>A PEM file with the authorities to trust instead of the machine's.</summary>
    public string? CaCertificateFile { get; init; }

    /// <summary>A folder of PEM files with the authorities to trust instead of the machine's.</summary>
    public string? CaCertificateFolder { get; init; }

    /// <summary>A PEM file with the certificate that this client shows.</summary>
    public string? ClientCertificateFile { get; init; }

    /// <summary>A PEM file with the private key of <see cref="ClientCertificateFile"/>.</summary>
    public string? ClientKeyFile { get; init; }

    /// <summary>Accept any certificate. Whoever sits between can then read everything.</summary>
    public bool DangerousSkipCertificateVerification { get; init; }

    /// <summary>The name to ask for and to verify in TLS, when it is not the host of the address.</summary>
    public string? TlsServerName { get; init; }

    /// <summary>The longest that one attempt may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How often a request is sent again: after 429, and when no connection could be made; when it changes nothing, also after
    /// 5xx and when the connection broke.
    /// </summary>
    public int MaxRetries { get; init; } = 2;

    /// <summary>
    /// The longest wait before a request is sent again. When the server's <c>Retry-After</c> asks for more, its answer is
    /// returned instead.
    /// </summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The most bytes that an answer may have.</summary>
    public int MaxResponseBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Headers for every request, in addition to the client's own.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>
    /// Gives the <see cref="System.Net.Http.HttpClient"/> for each request, such as <c>() =&gt; factory.CreateClient("mayfly")</c>, instead of
    /// connections of this client's own. It is not disposed of. Trust, certificates and unix sockets are then its handler's, which
    /// <see cref="CreateHandler"/> makes; another handler must not follow redirects, since it would take the token along. Its own
    /// time limit must not be shorter than <see cref="Timeout"/>.
    /// </summary>
    public Func<HttpClient>? HttpClient { get; init; }

    /// <summary>Time for waits; a test hands in its own.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>
    /// Options from the process environment: <c>MAYFLY_ADDR</c>, <c>MAYFLY_TOKEN</c> and so on, each with
    /// <c>VAULT_…</c> of the same ending as the second choice.
    /// </summary>
    /// <exception cref="FormatException">A number, duration or boolean cannot be read; names the variable only.</exception>
    public static MayflyClientOptions FromEnvironment() => FromEnvironment(Environment.GetEnvironmentVariable);

    /// <summary>As <see cref="FromEnvironment()"/>, from a given lookup.</summary>
    /// <param name="lookup">Gives the value of a variable, or null.</param>
    /// <exception cref="FormatException">A number, duration or boolean cannot be read; names the variable only.</exception>
    public static MayflyClientOptions FromEnvironment(Func<string, string?> lookup)
    {
        var defaults = new MayflyClientOptions();
        return new MayflyClientOptions
        {
            Address = Variable("ADDR") ?? defaults.Address,
            Token = Variable("TOKEN"),
            Namespace = Variable("NAMESPACE"),
            CaCertificateFile = Variable("CACERT"),
            CaCertificateFolder = Variable("CAPATH"),
            ClientCertificateFile = Variable("CLIENT_CERT"),
            ClientKeyFile = Variable("CLIENT_KEY"),
            TlsServerName = Variable("TLS_SERVER_NAME"),
            DangerousSkipCertificateVerification =
                Variable("SKIP_VERIFY") is { } skip && Parse("SKIP_VERIFY", ParseBoolean(skip)),
            Timeout = Variable("CLIENT_TIMEOUT") is { } timeout
                ? Parse("CLIENT_TIMEOUT", DurationText.Parse(timeout))
                : defaults.Timeout,
            MaxRetries = Variable("MAX_RETRIES") is { } retries
                ? Math.Max(0, Parse<int>("MAX_RETRIES", int.TryParse(retries, out var number) ? number : null))
                : defaults.MaxRetries,
        };

        string? Variable(string ending)
        {
            var value = lookup("MAYFLY_" + ending);
            value = string.IsNullOrEmpty(value) ? lookup("VAULT_" + ending) : value;
            return string.IsNullOrEmpty(value) ? null : value;
        }
    }

    /// <summary>
    /// The handler that a client with these options has: TLS, certificates, unix socket, no redirects. For
    /// <c>ConfigurePrimaryHttpMessageHandler</c> of an <c>IHttpClientFactory</c>.
    /// </summary>
    /// <exception cref="FormatException">The address is not one.</exception>
    /// <exception cref="IOException">A certificate or key file cannot be read.</exception>
    public HttpMessageHandler CreateHandler() => HandlerFactory.Create(this, ServerEndpoint.Parse(Address));

    // The compiler's ToString of a record would print the token, and a password in the address.
    /// <inheritdoc/>
    public override string ToString() =>
        $"{nameof(MayflyClientOptions)} {{ Address = {ServerEndpoint.Shown(Address)} }}";

    private static T Parse<T>(string ending, T? value)
        where T : struct =>
        value ?? throw new FormatException($"MAYFLY_{ending} (or VAULT_{ending}) cannot be understood.");

    private static bool? ParseBoolean(string text) =>
        text switch
        {
            "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
            "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
            _ => null,
        };
}
