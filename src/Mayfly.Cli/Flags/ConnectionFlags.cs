using Mayfly.Client;

namespace Mayfly.Cli.Flags;

/// <summary>Where the server is and how to talk to it: flags that every command has that talks to one.</summary>
internal sealed class ConnectionFlags
{
    private readonly TextFlag _address = new(
        "address",
        "Address of the server: https://host:port, http://127.0.0.1:8200 (the default) or unix:///path. Also MAYFLY_ADDR, VAULT_ADDR."
    );

    private readonly TextFlag _caFile = new("ca-cert", "PEM file with the authorities to trust. Also VAULT_CACERT.");

    private readonly TextFlag _caFolder = new(
        "ca-path",
        "Folder of PEM files with the authorities to trust. Also VAULT_CAPATH."
    );

    private readonly TextFlag _certificate = new(
        "client-cert",
        "PEM file with the certificate to show. Also VAULT_CLIENT_CERT."
    );

    private readonly TextFlag _key = new("client-key", "PEM file with its private key. Also VAULT_CLIENT_KEY.");

    private readonly TextFlag _serverName = new(
        "tls-server-name",
        "Name to verify in TLS instead of the host. Also VAULT_TLS_SERVER_NAME."
    );

    private readonly BoolFlag _skipVerify = new(
        "tls-skip-verify",
        "Trust any certificate. Whoever sits between can read everything. Also VAULT_SKIP_VERIFY."
    );

    private readonly TextFlag _namespace = new("namespace", "Namespace of the request. Also VAULT_NAMESPACE.")
    {
        Alias = "ns",
    };

    private readonly ListFlag _headers = new("header", "Extra header as name=value. May be repeated.");

    private readonly DurationFlag _wrapTtl = new(
        "wrap-ttl",
        "Wrap the answer in a single-use token that lives this long. Also VAULT_WRAP_TTL."
    );

    /// <summary>Where the server is, and what becomes of one request and its answer.</summary>
    public IReadOnlyList<Flag> All => [.. Server, _headers, _wrapTtl];

    /// <summary>Where the server is.</summary>
    public IReadOnlyList<Flag> Server =>
        [
            _address,
            _caFile,
            _caFolder,
            _certificate,
            _key,
            _serverName,
            _skipVerify,
            _namespace,
            // Accepted so that scripts written for Vault's command line run; neither changes anything here.
            new BoolFlag("non-interactive", "") { Hidden = true },
            new BoolFlag("policy-override", "") { Hidden = true },
        ];

    public string? WrapTtl(Session session) => _wrapTtl.Value ?? session.Variable("WRAP_TTL");

    /// <summary>A look-up of environment variables in which the flags that were given stand for theirs.</summary>
    public Func<string, string?> Variables(Session session)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (
            var (ending, flag) in new[]
            {
                ("ADDR", _address),
                ("CACERT", _caFile),
                ("CAPATH", _caFolder),
                ("CLIENT_CERT", _certificate),
                ("CLIENT_KEY", _key),
                ("TLS_SERVER_NAME", _serverName),
                ("NAMESPACE", _namespace),
            }
        )
        {
            if (flag.Value is { } value)
            {
                given["MAYFLY_" + ending] = value;
            }
        }

        if (_skipVerify.IsSet)
        {
            given["MAYFLY_SKIP_VERIFY"] = _skipVerify.Value ? "true" : "false";
        }

        return name => given.GetValueOrDefault(name) ?? session.Environment(name);
    }

    /// <summary>Flags before environment before defaults, and the token of the environment or of the last login.</summary>
    /// <exception cref="FormatException">Something given is not what it should be.</exception>
    public MayflyClientOptions Options(Session session)
    {
        var options = MayflyClientOptions.FromEnvironment(session.Environment);
        var headers = new List<KeyValuePair<string, string>>();
        foreach (var header in _headers.Values)
        {
            var equals = header.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new FormatException("-header needs name=value");
            }

            headers.Add(new(header[..equals].Trim(), header[(equals + 1)..].Trim()));
        }

        return options with
        {
            Address = _address.Value ?? options.Address,
            Token = options.Token ?? TokenFile.Read(session),
            Namespace = _namespace.Value ?? options.Namespace,
            CaCertificateFile = _caFile.Value ?? options.CaCertificateFile,
            CaCertificateFolder = _caFolder.Value ?? options.CaCertificateFolder,
            ClientCertificateFile = _certificate.Value ?? options.ClientCertificateFile,
            ClientKeyFile = _key.Value ?? options.ClientKeyFile,
            TlsServerName = _serverName.Value ?? options.TlsServerName,
            DangerousSkipCertificateVerification = _skipVerify.IsSet
                ? _skipVerify.Value
                : options.DangerousSkipCertificateVerification,
            Headers = headers,
        };
    }
}
