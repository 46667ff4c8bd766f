using System.Globalization;
using System.Net;
using Mayfly.Hosting.Listeners;

namespace Mayfly.Agent.Configuration;

/// <summary>Reads <c>listener</c> stanzas.</summary>
internal static class ListenerReader
{
    private const int DefaultPort = 8200;

    /// <summary>The listener, or none after what is wrong with it was noted.</summary>
    public static IEnumerable<ListenerStanza> Read(string type, Stanza stanza)
    {
        ListenerStanza? listener;
        switch (type)
        {
            case "tcp":
                listener = Proxy(stanza, Tcp(stanza, $"127.0.0.1:{DefaultPort}", plainByDefault: false));
                break;
            case "unix":
                listener = Proxy(stanza, Unix(stanza));
                break;
            case "secretsmanager":
                listener = SecretsManager(stanza);
                break;
            default:
                stanza.Problem($"listener \"{type}\" is not known; there are tcp, unix and secretsmanager");
                return [];
        }

        stanza.Finish();
        return listener is null ? [] : [listener];
    }

    private static ListenerStanza? Proxy(Stanza stanza, ListenerStanza? listener)
    {
        var requireHeader = stanza.Bool("require_request_header") ?? false;
        var role = stanza.String("role") ?? "default";
        if (role is not ("default" or "metrics_only"))
        {
            stanza.Problem("role must be \"default\" or \"metrics_only\"");
        }

        var quit = false;
        foreach (var api in new[] { stanza.Single("agent_api"), stanza.Single("proxy_api") })
        {
            quit |= api?.Bool("enable_quit") ?? false;
            api?.Finish();
        }

        return listener is null
            ? null
            : listener with
            {
                RequireRequestHeader = requireHeader,
                MetricsOnly = role == "metrics_only",
                EnableQuit = quit,
            };
    }

    private static ListenerStanza? Tcp(Stanza stanza, string absent, bool plainByDefault)
    {
        var text = stanza.String("address") ?? absent;
        var plain = stanza.Bool("tls_disable") ?? plainByDefault;
        var certificate = stanza.String("tls_cert_file");
        var key = stanza.String("tls_key_file");
        var minimum = stanza.String("tls_min_version") ?? "tls12";
        var names = new HostNames(stanza.Strings("allowed_hosts") ?? []);
        const string Forwarded = "requests that were forwarded are refused: the listener is for this machine";
        stanza.Refuse(
            ("x_forwarded_for_authorized_addrs", Forwarded),
            ("proxy_protocol_behavior", Forwarded),
            ("tls_client_ca_file", "use a unix socket with allowed_uids to say who may connect"),
            ("tls_require_and_verify_client_cert", "use a unix socket with allowed_uids to say who may connect")
        );
        stanza.Meaningless(
            "tls_disable_client_certs",
            "tls_prefer_server_cipher_suites",
            "tls_cipher_suites",
            "tls_max_version"
        );
        if (!TryAddress(text, out var address))
        {
            stanza.Problem($"address \"{text}\" is not IP:PORT, such as 127.0.0.1:8100");
            return null;
        }

        if (plain)
        {
            if (!IPAddress.IsLoopback(address.Address))
            {
                stanza.Warn(
                    $"{address} without TLS can be reached by others, who can then read secrets with the agent's token"
                );
            }

            return new ListenerStanza(new TcpAddress(address, Tls: null)) { Names = names };
        }

        if (string.IsNullOrEmpty(certificate) || string.IsNullOrEmpty(key))
        {
            stanza.Problem("tls_cert_file and tls_key_file are needed, or tls_disable = true");
            return null;
        }

        if (minimum is not ("tls12" or "tls13"))
        {
            stanza.Problem("tls_min_version must be tls12 or tls13");
        }

        var files = new TlsFiles(certificate, key) { OnlyTls13 = minimum == "tls13" };
        return new ListenerStanza(new TcpAddress(address, files));
    }

    private static ListenerStanza Unix(Stanza stanza)
    {
        stanza.Meaningless("tls_disable");
        var address = new UnixAddress(Path.GetFullPath(stanza.Required("address") is { Length: > 0 } path ? path : "/"))
        {
            Mode = stanza.Mode("socket_mode", absent: null) ?? UnixFileMode.UserRead | UnixFileMode.UserWrite,
            User = stanza.Account("socket_user"),
            Group = stanza.Account("socket_group"),
        };
        return new ListenerStanza(address)
        {
            AllowedUsers = Numbers(stanza, "allowed_uids"),
            AllowedGroups = Numbers(stanza, "allowed_gids"),
        };
    }

    private static ListenerStanza? SecretsManager(Stanza stanza)
    {
        var tcp = Tcp(stanza, $"127.0.0.1:{SecretsManagerStanza.DefaultPort}", plainByDefault: true);
        var defaults = new SecretsManagerStanza();
        var settings = defaults with
        {
            Mount = (stanza.String("mount") ?? defaults.Mount).Trim('/'),
            Ttl = stanza.Duration("ttl") ?? defaults.Ttl,
            CacheSize = (int)(stanza.Int("cache_size", 1, 1000) ?? defaults.CacheSize),
            SsrfHeaders = stanza.Strings("ssrf_headers") ?? defaults.SsrfHeaders,
            SsrfVariables = stanza.Strings("ssrf_env_variables") ?? defaults.SsrfVariables,
            SsrfTokenFile = stanza.String("ssrf_token_file"),
            PathPrefix = stanza.String("path_prefix") ?? defaults.PathPrefix,
            MaxConnections = (int)(stanza.Int("max_conn", 1, 1000) ?? defaults.MaxConnections),
        };
        if (!settings.PathPrefix.StartsWith('/') || !settings.PathPrefix.EndsWith('/'))
        {
            stanza.Problem("path_prefix must begin and end with /");
        }

        if (tcp?.Address is TcpAddress address && !IPAddress.IsLoopback(address.EndPoint.Address))
        {
            stanza.Problem("address must be one of this machine's own, such as 127.0.0.1:2773");
        }

        return tcp is null ? null : tcp with { SecretsManager = settings };
    }

    private static List<uint> Numbers(Stanza stanza, string key)
    {
        var numbers = new List<uint>();
        foreach (var text in stanza.Texts(key))
        {
            if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                numbers.Add(number);
            }
            else
            {
                stanza.Problem($"{key} must be a list of numbers");
            }
        }

        return numbers;
    }

    private static bool TryAddress(string text, out IPEndPoint address)
    {
        var host =
            text.StartsWith("localhost:", StringComparison.Ordinal) ? "127.0.0.1" + text[9..]
            : text.StartsWith(':') ? "0.0.0.0" + text
            : text;
        return IPEndPoint.TryParse(host, out address!)
            && (address.Port != 0 || host.EndsWith(":0", StringComparison.Ordinal));
    }
}
