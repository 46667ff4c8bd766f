using System.Globalization;
using System.Net;
using Mayfly.Core.Auth;
using Mayfly.Hcl;
using Mayfly.Hosting.Listeners;
using Mayfly.Server.Http;

namespace Mayfly.Server.Configuration;

/// <summary>Reads the <c>listener</c> stanzas of one file.</summary>
internal sealed class ListenerReader(string file, List<string> problems, List<string> warnings)
{
    /// <summary>Keys that would weaken or mislead if they were passed over: the server does not start with them.</summary>
    private static readonly string[] Refused =
    [
        "tls_require_and_verify_client_cert",
        "proxy_protocol_behavior",
        "chroot_namespace",
    ];

    private static readonly (string Key, string Consequence)[] Unsupported =
    [
        ("x_forwarded_for_client_cert_header", "certificates that a proxy forwards are not read"),
        ("tls_cipher_suites", "the cipher suites are the operating system's"),
        ("tls_client_ca_file", "client certificates are not asked for"),
        ("tls_max_version", "TLS 1.3 stays available"),
        ("custom_response_headers", "no headers are added"),
        ("max_request_size", "the limit is 32 MB"),
        ("max_request_duration", "the limit is 90 s"),
        ("http_idle_timeout", "the limit is 130 s"),
        ("http_read_timeout", "slow bodies are cut off below 240 bytes a second"),
        ("http_read_header_timeout", "the limit is 10 s"),
        ("http_write_timeout", "the limit is 90 s"),
        ("profiling", "there is no profiling endpoint"),
        ("inflight_requests_logging", "there is no such endpoint"),
        ("redact_addresses", "addresses are shown"),
        ("redact_cluster_name", "the cluster's name is shown"),
        ("redact_version", "the version is shown"),
        ("cors", "no origins are allowed"),
    ];

    private static readonly string[] Meaningless =
    [
        "cluster_address",
        "tls_prefer_server_cipher_suites",
        "tls_disable_client_certs",
        "disable_replication_status_endpoints",
        "disable_request_limiter",
    ];

    /// <summary>The listener of a block, or none after noting the problem.</summary>
    public IEnumerable<Listener> Read(HclBlock block)
    {
        var fields = new HclFields(block.Body);
        ListenAddress? address = block.Label switch
        {
            "tcp" => Tcp(block, fields),
            "unix" => Unix(block, fields),
            _ => null,
        };
        if (block.Label is not ("tcp" or "unix"))
        {
            Problem(block.Position, $"listener \"{block.Label}\" is not supported; use \"tcp\" or \"unix\"");
            return [];
        }

        var requireHeader = fields.Bool("require_request_header") ?? false;
        var openMetrics = OpenMetrics(fields);
        var forwarded = Forwarded(block, fields);
        PassOver(block, fields);
        if (fields.Finish() is { } error)
        {
            Problem(error.Position, $"listener: {error.Message}");
        }

        return address is null
            ? []
            :
            [
                new Listener(address)
                {
                    RequireRequestHeader = requireHeader,
                    UnauthenticatedMetrics = openMetrics,
                    Forwarded = forwarded,
                },
            ];
    }

    /// <summary>Whose X-Forwarded-For is believed; null when nobody's is.</summary>
    private ForwardedFor? Forwarded(HclBlock block, HclFields fields)
    {
        const string Addresses = "x_forwarded_for_authorized_addrs";
        var proxies = fields.Value(Addresses) is HclString one ? [one.Text] : fields.Strings(Addresses);
        var skips = fields.Int("x_forwarded_for_hop_skips") ?? 0;
        var rejectOthers = fields.Bool("x_forwarded_for_reject_not_authorized") ?? true;
        var rejectWithout = fields.Bool("x_forwarded_for_reject_not_present") ?? true;
        if (proxies is null)
        {
            return null;
        }

        var networks = Cidr.Normalize(proxies.SelectMany(text => text.Split(',')), out var bad);
        if (networks is not { Count: > 0 })
        {
            Problem(
                block.Position,
                $"listener: x_forwarded_for_authorized_addrs must be addresses or networks, not '{bad}'"
            );
            return null;
        }

        if (skips is < 0 or > 100)
        {
            Problem(block.Position, "listener: x_forwarded_for_hop_skips must be from 0 to 100");
            return null;
        }

        return new ForwardedFor(networks)
        {
            HopSkips = (int)skips,
            RejectNotAuthorized = rejectOthers,
            RejectNotPresent = rejectWithout,
        };
    }

    private TcpAddress? Tcp(HclBlock block, HclFields fields)
    {
        var text = fields.String("address") ?? "127.0.0.1:8200";
        var certificate = fields.String("tls_cert_file");
        var key = fields.String("tls_key_file");
        var minimum = fields.String("tls_min_version") ?? "tls12";
        var plaintext = fields.Bool("tls_disable") ?? false;
        if (!Addresses.TryParse(text, out var address))
        {
            Problem(block.Position, $"listener: address '{text}' is not IP:PORT");
            return null;
        }

        if (plaintext)
        {
            if (!IPAddress.IsLoopback(address.Address))
            {
                Warn(
                    block.Position,
                    $"listening at {address} without TLS: whoever is on the way can read tokens and secrets"
                );
            }

            return new TcpAddress(address, Tls: null);
        }

        if (certificate is null || key is null)
        {
            Problem(
                block.Position,
                "listener: give tls_cert_file and tls_key_file, or tls_disable = true to do without TLS"
            );
            return null;
        }

        if (minimum is "tls10" or "tls11")
        {
            Warn(block.Position, $"listener: {minimum} is not offered any more; clients need at least TLS 1.2");
        }
        else if (minimum is not ("tls12" or "tls13"))
        {
            Problem(block.Position, $"listener: tls_min_version must be tls12 or tls13, not '{minimum}'");
            return null;
        }

        return new TcpAddress(
            address,
            new TlsFiles(Path.GetFullPath(certificate), Path.GetFullPath(key)) { OnlyTls13 = minimum == "tls13" }
        );
    }

    private UnixAddress? Unix(HclBlock block, HclFields fields)
    {
        // Socket paths are limited to 107 bytes by the operating system.
        const int Longest = 107;
        var path = fields.String("address");
        var mode = fields.String("socket_mode") ?? "0600";
        var user = fields.String("socket_user") ?? "";
        var group = fields.String("socket_group") ?? "";
        _ = fields.Bool("tls_disable");
        if (path is null || System.Text.Encoding.UTF8.GetByteCount(path) is 0 or > Longest)
        {
            Problem(block.Position, $"listener: address must be the path of a socket, at most {Longest} bytes long");
            return null;
        }

        if (mode.Length > 5 || mode.Any(c => c is < '0' or > '7'))
        {
            Problem(block.Position, $"listener: socket_mode must be octal, such as \"0660\", not '{mode}'");
            return null;
        }

        return new UnixAddress(Path.GetFullPath(path))
        {
            Mode = (UnixFileMode)(Octal(mode) & 0x1FF),
            User = user,
            Group = group,
        };
    }

    private static int Octal(string digits) => digits.Aggregate(0, (sum, digit) => sum * 8 + (digit - '0'));

    private bool OpenMetrics(HclFields fields)
    {
        var open = false;
        foreach (var block in fields.Blocks("telemetry", 0))
        {
            var own = new HclFields(block.Body);
            open |= own.Bool("unauthenticated_metrics_access") ?? false;
            foreach (var item in own.Unread)
            {
                Warn(
                    item.Position,
                    string.Create(CultureInfo.InvariantCulture, $"listener: {item.Key} is not supported yet")
                );
            }

            if (own.Problem is { } error)
            {
                Problem(error.Position, error.Message);
            }
        }

        return open;
    }

    private void PassOver(HclBlock block, HclFields fields)
    {
        foreach (var key in Meaningless)
        {
            _ = fields.Value(key);
        }

        foreach (var (key, consequence) in Unsupported)
        {
            if (block.Body.Find(key) is { } item)
            {
                Warn(item.Position, $"listener: {key} is not supported yet: {consequence}");
                _ = fields.Value(key);
            }
        }

        foreach (var key in Refused)
        {
            if (block.Body.Find(key) is { Value: not HclBool { Value: false } } item)
            {
                Problem(item.Position, $"listener: {key} is not supported, and doing without it would protect less");
            }

            _ = fields.Value(key);
        }
    }

    private void Warn(HclPosition position, string message) => warnings.Add($"{file}:{position.Line}: {message}");

    private void Problem(HclPosition position, string message) => problems.Add($"{file}:{position.Line}: {message}");
}
