using System.Globalization;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database.MariaDb;

/// <summary>Whether and how the connection is encrypted.</summary>
internal enum MariaDbTls
{
    Off,

    /// <summary>Encrypted, with whoever it is.</summary>
    Unverified,

    /// <summary>Encrypted, with a certificate for the host of a trusted authority.</summary>
    Verified,
}

/// <summary>
/// A <c>connection_url</c> as Vault takes it from Go's driver: <c>user:password@tcp(host:port)/database?tls=true</c>, or
/// <c>unix(/path)</c>. Immutable.
/// </summary>
internal sealed record MariaDbAddress(
    string User,
    string Password,
    string Host,
    int Port,
    string Socket,
    string Database,
    MariaDbTls Tls
)
{
    private const int DefaultPort = 3_306;

    /// <summary>Settings of Go's driver that mean nothing here.</summary>
    private static readonly string[] Meaningless =
    [
        "parseTime",
        "loc",
        "multiStatements",
        "interpolateParams",
        "charset",
        "collation",
        "timeout",
        "readTimeout",
        "writeTimeout",
        "allowNativePasswords",
        "maxAllowedPacket",
        "clientFoundRows",
        "columnsWithAlias",
        "rejectReadOnly",
        "checkConnLiveness",
    ];

    public static (MariaDbAddress? Address, Fault? Fault) Of(ConnectionConfig config)
    {
        var (address, problem) = Parse(config.Url);
        if (address is null)
        {
            return (null, Fault.Invalid($"connection_url: {problem}"));
        }

        var wantsTls = config.Detail("tls_ca").Length > 0 || config.Secret("tls_certificate_key").Length > 0;
        return (
            address with
            {
                User = Fill(address.User, config),
                Password = Fill(address.Password, config),
                Tls =
                    config.Flag("tls_skip_verify") && (wantsTls || address.Tls != MariaDbTls.Off)
                        ? MariaDbTls.Unverified
                    : wantsTls && address.Tls == MariaDbTls.Off ? MariaDbTls.Verified
                    : address.Tls,
            },
            null
        );
    }

    /// <summary>The text with a password that stands in it made unreadable.</summary>
    public static string Redacted(string text)
    {
        var at = UserEnd(text);
        var colon = at < 0 ? -1 : text.IndexOf(':');
        return colon < 0 || colon >= at || text[(colon + 1)..at] == "{{password}}"
            ? text
            : $"{text[..colon]}:xxxxx{text[at..]}";
    }

    /// <summary>Says nothing of the password.</summary>
    public override string ToString() => $"MariaDbAddress({Host}:{Port})";

    private static (MariaDbAddress? Address, string? Problem) Parse(string text)
    {
        const string Form = "it has the form {{username}}:{{password}}@tcp(host:port)/";
        var slash = text.LastIndexOf('/');
        var question = text.LastIndexOf('?');
        if (question > 0)
        {
            slash = text.LastIndexOf('/', question);
        }

        if (slash < 0)
        {
            return (null, Form);
        }

        var at = UserEnd(text[..slash]);
        var user = at < 0 ? "" : text[..at];
        var colon = user.IndexOf(':');
        var net = text[(at + 1)..slash];
        var open = net.IndexOf('(');
        var protocol = open < 0 ? net : net[..open];
        var place = open < 0 || !net.EndsWith(')') ? "" : net[(open + 1)..^1];
        var (tls, problem) = question < 0 ? (MariaDbTls.Off, null) : Settings(text[(question + 1)..]);
        if (problem is not null)
        {
            return (null, problem);
        }

        var address = new MariaDbAddress(
            colon < 0 ? user : user[..colon],
            colon < 0 ? "" : user[(colon + 1)..],
            "127.0.0.1",
            DefaultPort,
            "",
            question < 0 ? text[(slash + 1)..] : text[(slash + 1)..question],
            tls
        );
        return protocol switch
        {
            "" when net.Length == 0 => (address, null),
            "tcp" => At(address, place) is { } placed
                ? (placed, null)
                : (null, "the port is not a number from 1 to 65535"),
            "unix" when place.StartsWith('/') => (address with { Socket = place }, null),
            _ => (null, Form),
        };
    }

    /// <summary>The at sign that ends user and password: the last before the network, since a password may hold some.</summary>
    private static int UserEnd(string text)
    {
        var net = Math.Max(
            text.LastIndexOf("@tcp(", StringComparison.Ordinal),
            text.LastIndexOf("@unix(", StringComparison.Ordinal)
        );
        return net >= 0 ? net
            : text.LastIndexOf("@/", StringComparison.Ordinal) is >= 0 and var bare ? bare
            : text.LastIndexOf('@');
    }

    private static MariaDbAddress? At(MariaDbAddress address, string place)
    {
        if (place.Length == 0)
        {
            return address;
        }

        var colon = place.LastIndexOf(':');
        if (colon < 0 || place.EndsWith(']'))
        {
            return address with { Host = place.Trim('[', ']') };
        }

        return
            ushort.TryParse(place.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port > 0
            ? address with
            {
                Host = place[..colon].Trim('[', ']'),
                Port = port,
            }
            : null;
    }

    private static (MariaDbTls Tls, string? Problem) Settings(string text)
    {
        var tls = MariaDbTls.Off;
        foreach (var pair in text.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            switch (parts[0])
            {
                case "tls":
                    switch (parts[^1])
                    {
                        case "true" or "custom":
                            tls = MariaDbTls.Verified;
                            break;
                        case "skip-verify" or "preferred":
                            tls = MariaDbTls.Unverified;
                            break;
                        case "false":
                            break;
                        default:
                            return (tls, "tls is true, false, skip-verify, preferred or custom");
                    }

                    break;
                case var name when Meaningless.Contains(name):
                    break;
                default:
                    return (
                        tls,
                        $"one of its settings is not known here; there is tls, and without effect: {string.Join(", ", Meaningless)}"
                    );
            }
        }

        return (tls, null);
    }

    private static string Fill(string setting, ConnectionConfig config) =>
        setting switch
        {
            "{{username}}" => config.Username,
            "{{password}}" => config.Password,
            _ => setting,
        };
}
