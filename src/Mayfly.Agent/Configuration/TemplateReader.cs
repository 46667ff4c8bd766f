using Mayfly.Agent.Processes;
using Mayfly.Hcl;

namespace Mayfly.Agent.Configuration;

/// <summary>Reads <c>template</c>, <c>env_template</c> and <c>template_config</c>.</summary>
internal sealed class TemplateReader(ConfigurationNotes notes)
{
    public TemplateStanza Read(Stanza stanza)
    {
        var text = Text(stanza);
        var destination = stanza.Required("destination");
        var command = Command(stanza);
        var signal = stanza.String("signal");
        var pidFile = stanza.String("signal_pid_file");
        if (signal is not null && Signals.Number(signal) is null)
        {
            stanza.Problem("signal must be a signal's name, such as \"SIGHUP\"");
        }

        var (least, most) = Wait(stanza);
        var template = new TemplateStanza(text, destination)
        {
            CreateFolders = stanza.Bool("create_dest_dirs") ?? true,
            Mode = stanza.Mode("perms", absent: null),
            Owner = stanza.Account("user", "owner", "uid"),
            Group = stanza.Account("group", "gid"),
            Backup = stanza.Bool("backup") ?? false,
            Command = command,
            Signal = signal is null ? null : new ChangeSignal(signal, pidFile),
            WaitMin = least,
            WaitMax = most,
        };
        stanza.Meaningless("error_fatal");
        stanza.Refuse(("map_to_environment_variable", "use env_template \"NAME\" { … }"));
        stanza.Finish();
        return template;
    }

    public EnvironmentTemplateStanza ReadVariable(string name, Stanza stanza)
    {
        var text = Text(stanza);
        if (
            name.Length == 0
            || name.Contains('=', StringComparison.Ordinal)
            || name.Contains('\0', StringComparison.Ordinal)
        )
        {
            stanza.Problem("the label must be the name of an environment variable");
        }

        stanza.Meaningless("error_fatal");
        stanza.Finish();
        return new EnvironmentTemplateStanza(name, text);
    }

    public static TemplateSettings ReadSettings(Stanza stanza)
    {
        var defaults = new TemplateSettings();
        var threshold = stanza.Number("lease_renewal_threshold") ?? defaults.LeaseRenewalThreshold;
        var settings = new TemplateSettings
        {
            ExitOnRetryFailure = stanza.Bool("exit_on_retry_failure") ?? false,
            StaticSecretRenderInterval =
                stanza.Duration("static_secret_render_interval") is { } interval && interval > TimeSpan.Zero
                    ? interval
                    : defaults.StaticSecretRenderInterval,
            LeaseRenewalThreshold = threshold,
            // Zero is the default, as in Vault.
            MaxConnectionsPerHost = stanza.Int("max_connections_per_host", 0, 10_000) is { } most and > 0
                ? (int)most
                : defaults.MaxConnectionsPerHost,
        };
        if (threshold is <= 0 or > 1)
        {
            stanza.Problem("lease_renewal_threshold must be above 0 and at most 1");
        }

        stanza.Finish();
        return settings;
    }

    private TemplateText Text(Stanza stanza)
    {
        var source = stanza.String("source");
        var contents = stanza.String("contents");
        if (string.IsNullOrEmpty(source) == string.IsNullOrEmpty(contents))
        {
            stanza.Problem("one of source and contents is needed");
        }

        return new TemplateText
        {
            Source = string.IsNullOrEmpty(source) ? null : source,
            Contents = string.IsNullOrEmpty(contents) ? null : contents,
            LeftDelimiter = stanza.String("left_delimiter") is { Length: > 0 } left ? left : "{{",
            RightDelimiter = stanza.String("right_delimiter") is { Length: > 0 } right ? right : "}}",
            ErrorOnMissingKey = stanza.Bool("error_on_missing_key") ?? false,
            SandboxPath = stanza.String("sandbox_path") is { Length: > 0 } sandbox ? sandbox : null,
            DeniedFunctions = stanza.Strings("function_denylist") ?? stanza.Strings("function_blacklist") ?? [],
            Name = string.IsNullOrEmpty(source) ? notes.Place(stanza.Position) : source,
        };
    }

    private static ChangeCommand? Command(Stanza stanza)
    {
        var limit = stanza.Duration("command_timeout");
        var command = stanza.Command("command");
        if (stanza.Single("exec") is { } exec)
        {
            if (command is not null)
            {
                stanza.Problem("command and exec name the same thing: give one of them");
            }

            command = exec.Command("command");
            limit = exec.Duration("timeout") ?? limit;
            exec.Finish();
        }

        return command is not { Count: > 0 }
            ? null
            : new ChangeCommand(command) { Timeout = limit ?? TimeSpan.FromSeconds(30) };
    }

    /// <summary><c>wait = "2s:10s"</c>, <c>"2s"</c>, or <c>wait { min = "2s" max = "10s" }</c>.</summary>
    private static (TimeSpan Least, TimeSpan Most) Wait(Stanza stanza)
    {
        TimeSpan? least = null;
        TimeSpan? most = null;
        if (stanza.IsText("wait"))
        {
            var parts = (stanza.String("wait") ?? "").Split(':');
            var valid = parts.Length <= 2;
            if (Durations.TryParse(parts[0], out var shortest))
            {
                least = shortest;
            }

            if (parts.Length > 1 && Durations.TryParse(parts[1], out var longest))
            {
                most = longest;
            }

            valid &= least is not null && (parts.Length == 1 || most is not null);
            if (!valid)
            {
                stanza.Problem("wait must be a duration, or two with a colon between: \"2s:10s\"");
            }
        }
        else
        {
            // Given twice, the later one adds and replaces, as in Vault.
            foreach (var wait in stanza.Many("wait"))
            {
                least = wait.Duration("min") ?? least;
                most = wait.Duration("max") ?? most;
                wait.Meaningless("enabled");
                wait.Finish();
            }
        }

        var from = least ?? TimeSpan.Zero;
        return (from, most is { } to && to >= from ? to : from * 4);
    }
}
