using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mayfly.Core.Pipeline;
using Mayfly.Hcl;
using Npgsql;

namespace Mayfly.Core.Engines.Database.PostgreSql;

/// <summary>Turns a configuration into what Npgsql connects by: the same names, meanings and defaults as libpq's.</summary>
internal static class PostgresSource
{
    /// <summary>Seconds to wait for a connection, unless the URL says otherwise.</summary>
    private const int ConnectTimeout = 10;

    /// <summary>Seconds to wait for a statement.</summary>
    private const int CommandTimeout = 30;

    private const string Known =
        "host, port, user, password, dbname, sslmode, sslrootcert, sslcert, sslkey, sslpassword, connect_timeout, "
        + "target_session_attrs, search_path, statement_timeout, lock_timeout, application_name, fallback_application_name, "
        + "client_encoding, channel_binding, krbsrvname, gssencmode, options";

    /// <summary>How to connect as the configured user.</summary>
    public static (NpgsqlConnectionStringBuilder? Settings, Fault? Fault) Settings(
        PostgresUrl url,
        ConnectionConfig config,
        Sessions sessions
    )
    {
        var settings = new NpgsqlConnectionStringBuilder
        {
            Host = "localhost",
            Username = url.Username(config.Username),
            Password = url.Password(config.Password),
            ApplicationName = sessions.Current,
            Timeout = ConnectTimeout,
            CommandTimeout = CommandTimeout,
            CancellationTimeout = 2_000,
            TcpKeepAlive = true,
            Pooling = true,
            MinPoolSize = 0,
            MaxPoolSize = config.MaxOpen,
            IncludeErrorDetail = false,
            IncludeFailedBatchedCommand = false,
            PersistSecurityInfo = false,
            Enlist = false,
        };
        // Hosts first: ports are added to them.
        foreach (var (name, value) in url.Settings.OrderBy(setting => setting.Key != "host"))
        {
            if (Apply(settings, name, value) is { } problem)
            {
                return (null, Fault.Invalid($"connection_url: {problem}"));
            }
        }

        if (settings.Username.Length == 0)
        {
            return (
                null,
                Fault.Invalid("no user to log in as: put {{username}} into connection_url, and set username")
            );
        }

        if (Durations.TryParse(config.Detail("max_connection_lifetime"), out var lifetime))
        {
            settings.ConnectionLifetime = (int)Math.Min(lifetime.TotalSeconds, int.MaxValue);
        }

        // As libpq: whoever names a certificate authority wants it to be looked at.
        if (HasRoot(url, config) && settings.SslMode == SslMode.Require)
        {
            settings.SslMode = SslMode.VerifyCA;
        }

        return (settings, null);
    }

    /// <summary>A pool of connections; it does not connect yet.</summary>
    public static (NpgsqlDataSource? Source, Fault? Fault) Build(
        NpgsqlConnectionStringBuilder settings,
        ConnectionConfig config
    )
    {
        try
        {
            var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString);
            // The query by which Npgsql learns of a database's types compares types for which PostgreSQL has no operator, and so would
            // call one that a user has made there, with the rights of the administrator. The types of PostgreSQL itself are enough.
            builder.ConfigureTypeLoading(types => types.EnableTypeLoading(enable: false));
            if (config.Detail("tls_ca") is { Length: > 0 } authority)
            {
                var roots = new X509Certificate2Collection();
                roots.ImportFromPem(authority);
                if (roots.Count == 0)
                {
                    return (null, Fault.Invalid("tls_ca: there is no certificate in it"));
                }

                builder.UseRootCertificates(roots);
            }

            if (config.Detail("tls_certificate") is { Length: > 0 } certificate)
            {
                var pair = X509Certificate2.CreateFromPem(certificate, config.Secret("private_key"));
                builder.UseSslClientAuthenticationOptionsCallback(options => Present(options, pair));
            }

            return (builder.Build(), null);
        }
        catch (CryptographicException)
        {
            return (
                null,
                Fault.Invalid("tls_ca, tls_certificate and private_key have to be in PEM, and belong together")
            );
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or NotSupportedException)
        {
            return (null, Fault.Invalid("connection_url: its settings do not go together"));
        }
    }

    private static void Present(SslClientAuthenticationOptions options, X509Certificate2 certificate) =>
        options.ClientCertificateContext = SslStreamCertificateContext.Create(
            certificate,
            additionalCertificates: null
        );

    private static bool HasRoot(PostgresUrl url, ConnectionConfig config) =>
        url.Setting("sslrootcert").Length > 0 || config.Detail("tls_ca").Length > 0;

    /// <returns>What is wrong with a setting, or null. The message has no value, which may be a secret.</returns>
    private static string? Apply(NpgsqlConnectionStringBuilder settings, string name, string value)
    {
        switch (name)
        {
            case "user" or "password" or "fallback_application_name" or "application_name" or "krbsrvname":
            case "client_encoding" or "gssencmode" or "channel_binding":
                return null;
            case "host":
                settings.Host = value.Length == 0 ? "localhost" : value;
                return null;
            case "port":
                return ApplyPort(settings, value);
            case "dbname":
                settings.Database = value;
                return null;
            case "sslrootcert":
                settings.RootCertificate = value;
                return null;
            case "sslcert":
                settings.SslCertificate = value;
                return null;
            case "sslkey":
                settings.SslKey = value;
                return null;
            case "sslpassword":
                settings.SslPassword = value;
                return null;
            case "sslmode":
                return ApplySslMode(settings, value);
            case "connect_timeout":
                if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
                {
                    return "connect_timeout is not a number of seconds";
                }

                settings.Timeout = Math.Clamp(seconds, 1, 60);
                return null;
            case "target_session_attrs":
                settings.TargetSessionAttributes = value;
                return null;
            case "search_path":
                settings.SearchPath = value;
                return null;
            case "statement_timeout" or "lock_timeout":
                if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds))
                {
                    return $"{name} is not a number of milliseconds";
                }

                settings.Options = $"{settings.Options} -c {name}={milliseconds}".Trim();
                return null;
            case "options":
                settings.Options = $"{settings.Options} {value}".Trim();
                return null;
            default:
                return $"one of its settings is not known here; there are: {Known}";
        }
    }

    private static string? ApplyPort(NpgsqlConnectionStringBuilder settings, string value)
    {
        var hosts = settings.Host!.Split(',');
        var ports = value.Split(',');
        if (ports.Length != 1 && ports.Length != hosts.Length)
        {
            return "there have to be as many ports as hosts, or one";
        }

        if (hosts.Length == 1)
        {
            settings.Port = ports[0].Length == 0 ? 5432 : int.Parse(ports[0], CultureInfo.InvariantCulture);
            return null;
        }

        settings.Host = string.Join(
            ',',
            hosts.Select(
                (host, i) => ports[ports.Length == 1 ? 0 : i] is { Length: > 0 } port ? $"{host}:{port}" : host
            )
        );
        return null;
    }

    private static string? ApplySslMode(NpgsqlConnectionStringBuilder settings, string value)
    {
        SslMode? mode = value switch
        {
            "disable" => SslMode.Disable,
            "allow" => SslMode.Allow,
            "prefer" or "" => SslMode.Prefer,
            "require" => SslMode.Require,
            "verify-ca" => SslMode.VerifyCA,
            "verify-full" => SslMode.VerifyFull,
            _ => null,
        };
        if (mode is null)
        {
            return "sslmode is none of disable, allow, prefer, require, verify-ca and verify-full";
        }

        settings.SslMode = mode.Value;
        return null;
    }
}
