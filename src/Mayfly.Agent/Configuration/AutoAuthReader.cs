namespace Mayfly.Agent.Configuration;

/// <summary>Reads <c>auto_auth</c>: how to log in, and where the token goes.</summary>
internal sealed class AutoAuthReader
{
    private static readonly string[] Others =
    [
        "alicloud",
        "aws",
        "azure",
        "cert",
        "cf",
        "gcp",
        "kerberos",
        "ldap",
        "oci",
        "oidc",
    ];

    private static readonly string[] Known = ["approle", "jwt", "kubernetes", "token_file", "userpass"];

    /// <summary>The stanza, or null after what is wrong with it was noted.</summary>
    public AutoAuthStanza? Read(Stanza stanza)
    {
        var methods = stanza.Labelled("method");
        var sinks = stanza
            .Labelled("sink")
            .Concat(stanza.Many("sinks").SelectMany(each => each.Inner("sink")))
            .ToList();
        var reauth = stanza.Bool("enable_reauth_on_new_credentials") ?? false;
        stanza.Finish();
        if (methods.Count != 1)
        {
            stanza.Problem(methods.Count == 0 ? "method \"…\" { … } is needed" : "there can be one method");
            return null;
        }

        var method = ReadMethod(methods[0].Label, methods[0].Stanza);
        var files = sinks.Select(sink => ReadSink(sink.Label, sink.Stanza)).OfType<SinkStanza>().ToList();
        if (files.GroupBy(sink => Path.GetFullPath(sink.Path)).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            stanza.Problem($"two sinks write {twice.Key}");
        }

        return method is null
            ? null
            : new AutoAuthStanza
            {
                Method = method,
                Sinks = files,
                ReauthOnNewCredentials = reauth,
            };
    }

    private static MethodStanza? ReadMethod(string type, Stanza stanza)
    {
        var mount = stanza.String("mount_path");
        var ns = stanza.String("namespace");
        var least = stanza.Duration("min_backoff") ?? TimeSpan.FromSeconds(1);
        var most = stanza.Duration("max_backoff") ?? TimeSpan.FromMinutes(5);
        var exit = stanza.Bool("exit_on_err") ?? false;
        stanza.Refuse(
            (
                "wrap_ttl",
                "the agent would hold no token; wrap_ttl in a sink wraps what the sink gets, and stays logged in"
            )
        );
        var config = stanza.Single("config");
        stanza.Finish();
        if (most < least)
        {
            stanza.Problem("max_backoff is shorter than min_backoff");
        }

        if (config is null)
        {
            stanza.Problem("config { … } is needed");
            return null;
        }

        MethodStanza? method = type switch
        {
            "approle" => AppRole(config),
            "token_file" => new TokenFileMethod(config.Required("token_file_path")),
            "userpass" => new UserpassMethod(config.Required("username"), config.Required("password_file_path")),
            "jwt" => Jwt(config),
            "kubernetes" => new KubernetesMethod(
                config.Required("role"),
                config.String("token_path") ?? "/var/run/secrets/kubernetes.io/serviceaccount/token"
            ),
            _ => null,
        };
        if (method is null)
        {
            var reason = Others.Contains(type) ? "is not supported" : "is not known";
            stanza.Problem($"method \"{type}\" {reason}; there are {string.Join(", ", Known)}");
            return null;
        }

        config.Finish();
        return method with
        {
            MountPath = mount?.Trim('/'),
            Namespace = ns,
            MinBackoff = least > TimeSpan.Zero ? least : TimeSpan.FromSeconds(1),
            MaxBackoff = most,
            ExitOnError = exit,
        };
    }

    private static AppRoleMethod AppRole(Stanza config) =>
        new(config.Required("role_id_file_path"))
        {
            SecretIdFile = config.String("secret_id_file_path"),
            RemoveSecretIdFile = config.Bool("remove_secret_id_file_after_reading") ?? true,
            WrappingPath = config.String("secret_id_response_wrapping_path"),
        };

    private static JwtMethod Jwt(Stanza config)
    {
        config.Meaningless("jwt_read_period");
        config.Refuse(("skip_verify", "a JWT is verified by the server"));
        return new JwtMethod(config.Required("role"), config.Required("path"))
        {
            RemoveJwtFile = config.Bool("remove_jwt_after_reading") ?? true,
            RemoveFollowsLinks = config.Bool("remove_jwt_follows_symlinks") ?? false,
        };
    }

    private static SinkStanza? ReadSink(string type, Stanza stanza)
    {
        var wrap = stanza.Duration("wrap_ttl");
        const string Why = "sinks are not encrypted; put the file on tmpfs, or wrap it with wrap_ttl";
        stanza.Refuse(("dh_type", Why), ("dh_path", Why), ("derive_key", Why), ("aad", Why), ("aad_env_var", Why));
        var config = stanza.Single("config");
        stanza.Finish();
        if (type != "file" || config is null)
        {
            stanza.Problem(
                type == "file" ? "config { path = \"…\" } is needed" : $"sink \"{type}\" is not known; there is file"
            );
            return null;
        }

        var sink = new SinkStanza(config.Required("path"))
        {
            Mode = config.Mode("mode", SinkStanza.DefaultMode),
            Owner = config.Account("owner", "uid"),
            Group = config.Account("group", "gid"),
            WrapTtl = wrap > TimeSpan.Zero ? wrap : null,
        };
        config.Finish();
        return sink;
    }
}
