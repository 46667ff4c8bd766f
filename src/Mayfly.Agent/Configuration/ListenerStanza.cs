using Mayfly.Hosting.Listeners;

namespace Mayfly.Agent.Configuration;

/// <summary><c>listener</c>: where programs reach the agent.</summary>
internal sealed record ListenerStanza(ListenAddress Address)
{
    /// <summary>Refuse requests without <c>X-Vault-Request: true</c>.</summary>
    public bool RequireRequestHeader { get; init; }

    /// <summary>Serve the metrics and nothing else.</summary>
    public bool MetricsOnly { get; init; }

    /// <summary>Whoever can reach the listener may stop the agent.</summary>
    public bool EnableQuit { get; init; }

    /// <summary>Null: the proxy of Mayfly's API.</summary>
    public SecretsManagerStanza? SecretsManager { get; init; }

    /// <summary>Under which names it may be asked.</summary>
    public HostNames Names { get; init; } = HostNames.Any;

    /// <summary>Whose programs may connect to a unix socket, by number; with <see cref="AllowedGroups"/> empty too: everybody's.</summary>
    public IReadOnlyList<uint> AllowedUsers { get; init; } = [];

    /// <summary>Programs of which groups may connect to a unix socket, by number.</summary>
    public IReadOnlyList<uint> AllowedGroups { get; init; } = [];
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
