using Mayfly.Agent.Processes;
using Mayfly.Hcl;
using Mayfly.Hosting.Logging;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Configuration;

/// <summary>Reads the top level of one file into what earlier files gave: single stanzas replace, those of which there can be many add up.</summary>
internal sealed class ConfigurationReader(ConfigurationNotes notes)
{
    private static readonly (string, string)[] Pushed =
    [
        .. new[]
        {
            "statsd_address",
            "statsite_address",
            "dogstatsd_addr",
            "dogstatsd_tags",
            "circonus_api_token",
            "circonus_api_app",
            "circonus_api_url",
            "circonus_submission_interval",
            "circonus_submission_url",
            "circonus_check_id",
            "circonus_check_force_metric_activation",
            "circonus_check_instance_id",
            "circonus_check_search_tag",
            "circonus_check_display_name",
            "circonus_check_tags",
            "circonus_broker_id",
            "circonus_broker_select_tag",
            "stackdriver_project_id",
            "stackdriver_location",
            "stackdriver_namespace",
        }.Select(key => (key, "metrics are not pushed; they are read at /agent/v1/metrics")),
    ];

    public AgentConfiguration Read(HclBody body, AgentConfiguration start)
    {
        var top = new Stanza("", body, notes);
        var server = top.Single("mayfly") ?? top.Single("vault");
        if (server?.Name == "mayfly" && top.Single("vault") is not null)
        {
            top.Problem("mayfly and vault name the same thing: give one of them");
        }

        var autoAuth = top.Single("auto_auth");
        var cache = top.Single("cache");
        var proxy = top.Single("api_proxy");
        var settings = top.Single("template_config");
        var exec = top.Single("exec");
        var templates = new TemplateReader(notes);
        var result = start with
        {
            Server = server is null ? start.Server : ReadServer(server),
            AutoAuth = autoAuth is null ? start.AutoAuth : new AutoAuthReader().Read(autoAuth) ?? start.AutoAuth,
            Cache = cache is null ? start.Cache : ReadCache(cache),
            Templates = [.. start.Templates, .. top.Many("template").Select(templates.Read)],
            EnvironmentTemplates =
            [
                .. start.EnvironmentTemplates,
                .. top.Labelled("env_template", hasType: false)
                    .Select(each => templates.ReadVariable(each.Label, each.Stanza)),
            ],
            TemplateSettings = settings is null ? start.TemplateSettings : TemplateReader.ReadSettings(settings),
            Exec = exec is null ? start.Exec : ReadExec(exec),
            Listeners =
            [
                .. start.Listeners,
                .. top.Labelled("listener")
                    .Concat(top.Many("listeners").SelectMany(each => each.Inner("listener")))
                    .SelectMany(each => ListenerReader.Read(each.Label, each.Stanza)),
            ],
            UseAutoAuthToken = TokenUses(cache, proxy) ?? start.UseAutoAuthToken,
            Log = ReadLog(top, start.Log),
            Consumer = ReadConsumer(top) ?? start.Consumer,
            PidFile = top.String("pid_file") ?? start.PidFile,
            ExitAfterAuth = top.Bool("exit_after_auth") ?? start.ExitAfterAuth,
            ExitAfterAuthTimeout = top.Duration("exit_after_auth_timeout") ?? start.ExitAfterAuthTimeout,
            DisableKeepAlives = Features(top) ?? start.DisableKeepAlives,
        };
        cache?.Finish();
        proxy?.Finish();
        ReadTelemetry(top);
        top.Meaningless("disable_mlock");
        top.Refuse(("plugin_directory", "the agent has no plugins"));
        top.Finish();
        return result;
    }

    private static string? ReadConsumer(Stanza top)
    {
        var name = top.String("consumer");
        if (name is not null && !ConsumerName.IsValid(name))
        {
            top.Problem(
                "consumer must be a name such as \"shop/web-1\": up to 112 printable characters without spaces"
            );
        }

        return name;
    }

    private static ServerStanza ReadServer(Stanza stanza)
    {
        var retries = ServerStanza.DefaultRetries;
        if (stanza.Single("retry") is { } retry)
        {
            retries = (int)(retry.Int("num_retries", -1, 1000) ?? 0) switch
            {
                0 => ServerStanza.DefaultRetries,
                var given => Math.Max(0, given),
            };
            retry.Finish();
        }

        var server = new ServerStanza
        {
            Address = stanza.String("address"),
            CaCertificate = stanza.String("ca_cert"),
            CaFolder = stanza.String("ca_path"),
            ClientCertificate = stanza.String("client_cert"),
            ClientKey = stanza.String("client_key"),
            SkipVerify = stanza.Bool("tls_skip_verify"),
            TlsServerName = stanza.String("tls_server_name"),
            Namespace = stanza.String("namespace"),
            Retries = retries,
        };
        if (server.ClientCertificate is null != server.ClientKey is null)
        {
            stanza.Problem("client_cert and client_key belong together");
        }

        stanza.Finish();
        return server;
    }

    private static CacheStanza ReadCache(Stanza stanza)
    {
        // It only spares the next process some requests, so the file runs without it.
        stanza.NoEffect(
            ("persist", "a cache is not kept on disk: a restarted agent logs in and asks for everything again")
        );
        return new CacheStanza
        {
            StaticSecrets = stanza.Bool("cache_static_secrets") ?? false,
            CapabilityRefresh =
                stanza.Duration("static_secret_token_capability_refresh_interval")
                ?? new CacheStanza().CapabilityRefresh,
            DynamicSecrets = !(stanza.Bool("disable_caching_dynamic_secrets") ?? false),
        };
    }

    private static TokenUse? TokenUses(Stanza? cache, Stanza? proxy)
    {
        var first = cache is null ? null : ReadTokenUse(cache);
        var second = proxy is null ? null : ReadTokenUse(proxy);
        if (first is not null && second is not null)
        {
            proxy!.Problem("use_auto_auth_token is already given in cache; api_proxy is its place");
        }

        return second ?? first;
    }

    private static TokenUse? ReadTokenUse(Stanza stanza)
    {
        // One server has one state: reads are never behind writes.
        stanza.Meaningless("enforce_consistency", "when_inconsistent");
        stanza.Refuse(("prepend_configured_namespace", "there is one namespace"));
        TokenUse? use = stanza.Text("use_auto_auth_token") switch
        {
            null => null,
            "force" => TokenUse.Force,
            "true" or "1" => TokenUse.WhenMissing,
            "false" or "0" => TokenUse.Own,
            _ => Fail(),
        };
        if (stanza.Bool("force_auto_auth_token") == true)
        {
            use = TokenUse.Force;
        }

        return use;

        TokenUse? Fail()
        {
            stanza.Problem("use_auto_auth_token must be true, false or \"force\"");
            return null;
        }
    }

    private static ExecStanza? ReadExec(Stanza stanza)
    {
        var command = stanza.Command("command");
        var restart = stanza.String("restart_on_secret_changes") ?? "always";
        var signal = stanza.String("restart_stop_signal") ?? "SIGTERM";
        var limit = stanza.Duration("restart_kill_timeout") ?? TimeSpan.FromSeconds(30);
        var keepsToken = stanza.Bool("keep_token") ?? false;
        const string Own = "the program writes to the agent's own output; redirect it in command";
        stanza.NoEffect(("child_process_stdout", Own), ("child_process_stderr", Own));
        if (command is not { Count: > 0 } || command[0].Length == 0)
        {
            stanza.Problem("command is needed: a list with the program and its arguments");
        }

        if (restart is not ("always" or "never"))
        {
            stanza.Problem("restart_on_secret_changes must be \"always\" or \"never\"");
        }

        if (Signals.Number(signal) is null)
        {
            stanza.Problem($"restart_stop_signal must be a signal's name, such as \"SIGTERM\"");
        }

        stanza.Finish();
        return new ExecStanza
        {
            Command = command ?? [],
            RestartOnSecretChanges = restart == "always",
            RestartStopSignal = signal,
            KeepsToken = keepsToken,
            StopTimeout = limit,
        };
    }

    private static LogStanza ReadLog(Stanza top, LogStanza start)
    {
        LogLevel? level = null;
        if (top.String("log_level") is { } name && (level = LogSettings.ParseLevel(name)) is null)
        {
            top.Problem("log_level must be trace, debug, info, warn or error");
        }

        LogFormat? format = null;
        if (top.String("log_format") is { } layout && (format = LogSettings.ParseFormat(layout)) is null)
        {
            top.Problem("log_format must be standard or json");
        }

        return new LogStanza
        {
            Level = level ?? start.Level,
            Format = format ?? start.Format,
            File = top.String("log_file") ?? start.File,
            RotateBytes = top.Int("log_rotate_bytes", 0, long.MaxValue) ?? start.RotateBytes,
            RotateAfter = top.Duration("log_rotate_duration") ?? start.RotateAfter,
            RotateKeep = (int)(top.Int("log_rotate_max_files", -1, 1_000_000) ?? start.RotateKeep),
        };
    }

    private static IReadOnlyList<string>? Features(Stanza top)
    {
        string[] known = ["auto-auth", "caching", "proxying", "templating"];
        foreach (var key in new[] { "disable_idle_connections", "disable_keep_alives" })
        {
            if (top.Strings(key)?.FirstOrDefault(name => !known.Contains(name)) is { } wrong)
            {
                top.Problem($"{key}: there is no feature \"{wrong}\"; there are {string.Join(", ", known)}");
            }
        }

        var given = top.Strings("disable_keep_alives");
        var idle = top.Strings("disable_idle_connections");
        // Either way no connection outlives its request, which is what both ask for.
        return given is null && idle is null ? null : [.. given ?? [], .. idle ?? []];
    }

    private static void ReadTelemetry(Stanza top)
    {
        if (top.Single("telemetry") is not { } stanza)
        {
            return;
        }

        stanza.NoEffect(Pushed);
        stanza.Meaningless(
            "prometheus_retention_time",
            "disable_hostname",
            "enable_hostname_label",
            "metrics_prefix",
            "usage_gauge_period",
            "maximum_gauge_cardinality",
            "filter_default",
            "prefix_filter",
            "lease_metrics_epsilon",
            "num_lease_metrics_buckets",
            "add_lease_metrics_namespace_labels",
            "add_mount_point_rollback_metrics",
            "unauthenticated_metrics_access"
        );
        stanza.Finish();
    }
}
