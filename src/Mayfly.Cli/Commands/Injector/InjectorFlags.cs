using System.Globalization;
using Mayfly.Agent.Kubernetes;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Injector;

/// <summary>
/// The options of the injector: flags before variables before defaults. The variables are those of Vault's injector, so that
/// its deployments can be kept.
/// </summary>
internal sealed class InjectorFlags
{
    private const string VariablePrefix = "AGENT_INJECT_";

    // Flag, variable where it has one of Vault's, and help.
    private static readonly (string Name, string? Variable, string Help)[] Texts =
    [
        ("listen", "LISTEN", "Address to listen at; :8080 by default."),
        ("tls-cert-file", "TLS_CERT_FILE", "PEM file with the certificate; read again when it changes."),
        ("tls-key-file", "TLS_KEY_FILE", "PEM file with its private key."),
        (
            "tls-auto",
            "TLS_AUTO",
            "Instead of files: make a certificate, and have the webhook configuration of this name trust it."
        ),
        ("tls-auto-hosts", "TLS_AUTO_HOSTS", "Names for that certificate, with commas between."),
        ("tls-auto-secret", null, "Secret by which replicas share it; mayfly-injector-certs by default."),
        ("mayfly-addr", "VAULT_ADDR", "Where agents find the server."),
        ("image", "VAULT_IMAGE", "Image of agents; mayfly:latest by default."),
        ("auth-type", "VAULT_AUTH_TYPE", "How agents log in; kubernetes by default."),
        ("auth-path", "VAULT_AUTH_PATH", "Where that method is mounted; auth/kubernetes by default."),
        ("token-audience", null, "Audience of the service account tokens that agents log in with."),
        ("namespace", "VAULT_NAMESPACE", "Namespace of the server."),
        ("proxy-address", "PROXY_ADDR", "Proxy between agents and the server."),
        ("cpu-limit", "CPU_LIMIT", "Processor limit of agents; 500m by default, empty for none."),
        ("cpu-request", "CPU_REQUEST", "Processor request of agents; 50m by default."),
        ("memory-limit", "MEM_LIMIT", "Memory limit of agents; 128Mi by default."),
        ("memory-request", "MEM_REQUEST", "Memory request of agents; 64Mi by default."),
        ("ephemeral-storage-limit", "EPHEMERAL_LIMIT", "Disk limit of agents; none by default."),
        ("ephemeral-storage-request", "EPHEMERAL_REQUEST", "Disk request of agents; none by default."),
        ("run-as-user", "RUN_AS_USER", "User of agents; 100 by default."),
        ("run-as-group", "RUN_AS_GROUP", "Group of agents; 1000 by default."),
        ("default-template", "DEFAULT_TEMPLATE", "Form of files without a template: map (the default) or json."),
        (
            "template-static-secret-render-interval",
            "TEMPLATE_STATIC_SECRET_RENDER_INTERVAL",
            "How often agents read secrets without a lease."
        ),
        (
            "template-max-connections-per-host",
            "TEMPLATE_MAX_CONNECTIONS_PER_HOST",
            "Connections of an agent's templates."
        ),
        ("native-sidecars", null, "Which pods get a native sidecar: own (ours, the default), all, or none."),
        ("on-invalid", null, "A pod with wrong annotations: refuse (the default), or admit without an agent."),
        ("agent-log-level", null, "How much agents log; info by default."),
        ("agent-log-format", null, "How agents log: standard (the default) or json."),
        ("log-level", "LOG_LEVEL", "How much the injector logs: trace, debug, info (the default), warn or error."),
        ("log-format", "LOG_FORMAT", "How the injector logs: standard (the default) or json."),
    ];

    private static readonly (string Name, string Variable, bool Default, string Help)[] Switches =
    [
        ("run-as-same-user", "RUN_AS_SAME_USER", false, "Run agents as the user of the pod's first container."),
        ("set-security-context", "SET_SECURITY_CONTEXT", true, "Give agents a security context; on by default."),
        ("revoke-on-shutdown", "REVOKE_ON_SHUTDOWN", false, "Revoke an agent's token when its pod ends."),
        (
            "template-config-exit-on-retry-failure",
            "TEMPLATE_CONFIG_EXIT_ON_RETRY_FAILURE",
            true,
            "End an agent whose template has failed too often; on by default."
        ),
    ];

    private readonly Dictionary<string, TextFlag> _texts = Texts.ToDictionary(
        text => text.Name,
        text => new TextFlag(text.Name, text.Help)
    );

    private readonly Dictionary<string, BoolFlag> _switches = Switches.ToDictionary(
        each => each.Name,
        each => new BoolFlag(each.Name, each.Help)
    );

    public IReadOnlyList<Flag> All => [.. _texts.Values, .. _switches.Values];

    /// <summary>The options, or what is wrong with them.</summary>
    public (InjectorOptions Options, string? Wrong) Read(Func<string, string?> environment)
    {
        string? wrong = null;
        var none = new InjectorDefaults();
        var defaults = none with
        {
            Address = Text("mayfly-addr", ""),
            Image = Text("image", none.Image),
            AuthType = Text("auth-type", none.AuthType),
            AuthPath = Text("auth-path", none.AuthPath),
            TokenAudience = Text("token-audience", ""),
            Namespace = Text("namespace", ""),
            ProxyAddress = Text("proxy-address", ""),
            CpuLimit = Amount("cpu-limit", none.CpuLimit),
            CpuRequest = Amount("cpu-request", none.CpuRequest),
            MemoryLimit = Amount("memory-limit", none.MemoryLimit),
            MemoryRequest = Amount("memory-request", none.MemoryRequest),
            EphemeralLimit = Amount("ephemeral-storage-limit", ""),
            EphemeralRequest = Amount("ephemeral-storage-request", ""),
            RunAsUser = Number("run-as-user", none.RunAsUser, uint.MaxValue - 1) ?? none.RunAsUser,
            RunAsGroup = Number("run-as-group", none.RunAsGroup, uint.MaxValue - 1) ?? none.RunAsGroup,
            RunAsSameUser = Switch("run-as-same-user"),
            SetSecurityContext = Switch("set-security-context"),
            RevokeOnShutdown = Switch("revoke-on-shutdown"),
            ExitOnRetryFailure = Switch("template-config-exit-on-retry-failure"),
            DefaultTemplate = Choice("default-template", "map", "json"),
            RenderInterval = Text("template-static-secret-render-interval", ""),
            ConnectionsPerHost = Number("template-max-connections-per-host", null, 10_000),
            LogLevel = Choice("agent-log-level", "info", "trace", "debug", "warn", "error"),
            LogFormat = Choice("agent-log-format", "standard", "json"),
            NativeSidecars = Choice("native-sidecars", "own", "all", "none") switch
            {
                "all" => NativeSidecars.All,
                "none" => NativeSidecars.None,
                _ => NativeSidecars.Own,
            },
            AdmitInvalid = Choice("on-invalid", "refuse", "admit") == "admit",
        };
        var options = new InjectorOptions
        {
            Listen = Text("listen", ":8080"),
            CertificateFile = Text("tls-cert-file", ""),
            KeyFile = Text("tls-key-file", ""),
            TlsAuto = Text("tls-auto", ""),
            TlsAutoHosts = Text("tls-auto-hosts", "")
                .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            TlsAutoSecret = Text("tls-auto-secret", "mayfly-injector-certs"),
            LogLevel = Text("log-level", "info"),
            LogFormat = Text("log-format", "standard"),
            Defaults = defaults,
        };
        return (options, wrong);

        string Text(string name, string fallback)
        {
            var variable = Array.Find(Texts, text => text.Name == name).Variable;
            return _texts[name].Value ?? (variable is null ? null : environment(VariablePrefix + variable)) ?? fallback;
        }

        string Amount(string name, string fallback)
        {
            var text = Text(name, fallback);
            if (text.Length > 0 && !Quantity.TryParse(text, out _))
            {
                wrong ??= $"-{name} must be a quantity of Kubernetes such as 250m or 64Mi";
            }

            return text;
        }

        long? Number(string name, long? fallback, long most)
        {
            if (Text(name, "") is not { Length: > 0 } text)
            {
                return fallback;
            }

            if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most)
            {
                return number;
            }

            wrong ??= $"-{name} must be a whole number, at most {most}";
            return fallback;
        }

        // The first choice is the default.
        string Choice(string name, params ReadOnlySpan<string> choices)
        {
            var text = Text(name, choices[0]).ToLowerInvariant();
            if (!choices.Contains(text))
            {
                wrong ??= $"-{name} must be {string.Join(" or ", choices!)}";
            }

            return text;
        }

        bool Switch(string name)
        {
            if (_switches[name].IsSet)
            {
                return _switches[name].Value;
            }

            var found = Array.Find(Switches, each => each.Name == name);
            var text = environment(VariablePrefix + found.Variable);
            if (string.IsNullOrEmpty(text))
            {
                return found.Default;
            }

            if (bool.TryParse(text, out var given))
            {
                return given;
            }

            wrong ??= $"{VariablePrefix}{found.Variable} must be true or false";
            return found.Default;
        }
    }
}
