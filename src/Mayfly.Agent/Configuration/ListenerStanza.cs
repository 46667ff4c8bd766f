using System.Net;
using System.Net.Security;

namespace Mayfly.Agent.Configuration;

/// <summary><c>listener</c>: where programs reach the agent.</summary>
internal abstract record ListenerStanza
{
    /// <summary>As people write it: <c>http://127.0.0.1:8100</c>.</summary>
    public abstract string Url { get; }

    /// <summary>Refuse requests without <c>X-Vault-Request: true</c>.</summary>
    public bool RequireRequestHeader { get; init; }

    /// <summary>Serve the metrics and nothing else.</summary>
    public bool MetricsOnly { get; init; }

    /// <summary>Whoever can reach the listener may stop the agent.</summary>
    public bool EnableQuit { get; init; }

    /// <summary>Null: the proxy of Mayfly's API.</summary>
    public SecretsManagerStanza? SecretsManager { get; init; }
}

/// <summary>A TCP listener, with TLS unless it has been told otherwise.</summary>
internal sealed record TcpListenerStanza(IPEndPoint Address, TlsFiles? Tls) : ListenerStanza
{
    /// <summary>Under which names it may be asked.</summary>
    public HostNames Names { get; init; } = HostNames.Any;

    public override string Url => $"{(Tls is null ? "http" : "https")}://{Address}";
}

/// <summary>A TCP listener with TLS, whose certificate somebody else keeps; asked for at each handshake.</summary>
internal sealed record CertifiedListenerStanza(IPEndPoint Address, Func<SslServerAuthenticationOptions> Certificate)
    : ListenerStanza
{
    public override string Url => $"https://{Address}";
}

/// <summary>A unix socket.</summary>
internal sealed record UnixListenerStanza(string Path) : ListenerStanza
{
    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Name or number of the file's owner; empty to leave it.</summary>
    public string User { get; init; } = "";

    /// <summary>Name or number of the file's group; empty to leave it.</summary>
    public string Group { get; init; } = "";

    /// <summary>Whose programs may connect, by number; with <see cref="AllowedGroups"/> empty too: everybody's.</summary>
    public IReadOnlyList<uint> AllowedUsers { get; init; } = [];

    /// <summary>Programs of which groups may connect, by number.</summary>
    public IReadOnlyList<uint> AllowedGroups { get; init; } = [];

    public override string Url => $"unix://{Path}";
}

/// <summary>Where a listener's certificate is.</summary>
internal sealed record TlsFiles(string Certificate, string Key)
{
    /// <summary>TLS 1.2 is refused as well.</summary>
    public bool OnlyTls13 { get; init; }
}

/// <summary><c>listener "secretsmanager"</c>: the interface of AWS's Secrets Manager agent.</summary>
internal sealed record SecretsManagerStanza
{
    public const int DefaultPort = 2773;

    /// <summary>The KV mount that the names of secrets are paths in.</summary>
    public string Mount { get; init; } = "secret";

    /// <summary>How long a secret is kept before it is asked for again; zero: not at all.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>The most secrets that are kept.</summary>
    public int CacheSize { get; init; } = 1000;

    /// <summary>Headers that may carry the token against forged requests.</summary>
    public IReadOnlyList<string> SsrfHeaders { get; init; } = ["X-Aws-Parameters-Secrets-Token", "X-Vault-Token"];

    /// <summary>Variables that hold that token, or <c>file://</c> and its file.</summary>
    public IReadOnlyList<string> SsrfVariables { get; init; } =
    ["AWS_TOKEN", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];

    /// <summary>A file with that token, before the variables; null for none.</summary>
    public string? SsrfTokenFile { get; init; }

    public string PathPrefix { get; init; } = "/v1/";

    public int MaxConnections { get; init; } = 800;
}
