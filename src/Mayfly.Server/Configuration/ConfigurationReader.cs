using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Hcl;
using Mayfly.Hosting.Logging;

namespace Mayfly.Server.Configuration;

/// <summary>Reads the top level of one file. Problems stop the start; warnings are said, and the start goes on.</summary>
internal sealed class ConfigurationReader(string file, List<string> problems)
{
    /// <summary>
    /// Vault's keys that have no meaning here, because what they tune or work around does not exist: nothing is lost by
    /// passing over them in silence.
    /// </summary>
    private static readonly string[] Meaningless =
    [
        "disable_mlock",
        "disable_cache",
        "cache_size",
        "disable_clustering",
        "disable_performance_standby",
        "disable_sealwrap",
        "disable_printable_check",
        "enable_response_header_hostname",
        "enable_response_header_raft_node_id",
        "license_path",
        "imprecise_lease_role_tracking",
        "detect_deadlocks",
        "experiments",
    ];

    /// <summary>Vault's keys that would do something, and do not yet.</summary>
    private static readonly (string Key, string Consequence)[] Unsupported =
    [
        ("plugin_directory", "plugins are not loaded; engines and auth methods are built in"),
        ("plugin_tmpdir", "plugins are not loaded"),
        ("plugin_file_uid", "plugins are not loaded"),
        ("plugin_file_permissions", "plugins are not loaded"),
        ("ha_storage", "this server is the only one on its data"),
        ("service_registration", "the server does not register itself anywhere"),
        ("entropy", "random bytes come from the operating system"),
        ("log_file", "logs go to standard error; the service manager can put them into a file"),
        ("log_rotate_bytes", "logs go to standard error"),
        ("log_rotate_duration", "logs go to standard error"),
        ("log_rotate_max_files", "logs go to standard error"),
        ("log_requests_level", "requests are in the audit, not in the log"),
        ("raw_storage_endpoint", "sys/raw is not offered: it would show records past every policy"),
        ("introspection_endpoint", "sys/internal/inspect is not offered"),
        ("reporting", "nothing is reported to anybody"),
        ("request_limiter", "load is limited by the connections"),
        ("replication", "there is no replication"),
        ("sentinel", "there are no Sentinel policies"),
        ("kms_library", "there is no PKCS#11 seal"),
        ("administrative_namespace_path", "there are no namespaces"),
    ];

    private readonly List<string> _warnings = [];

    public ServerConfiguration Read(HclBody body, ServerConfiguration start)
    {
        var fields = new HclFields(body);
        var listeners = new ListenerReader(file, problems, _warnings);
        var result = start with
        {
            ApiAddress = fields.String("api_addr") ?? start.ApiAddress,
            ClusterAddress = fields.String("cluster_addr") ?? start.ClusterAddress,
            ClusterName = fields.String("cluster_name") ?? start.ClusterName,
            DefaultLeaseTtl = fields.Duration("default_lease_ttl") ?? start.DefaultLeaseTtl,
            MaxLeaseTtl = fields.Duration("max_lease_ttl") ?? start.MaxLeaseTtl,
            PidFile = fields.String("pid_file") ?? start.PidFile,
            Listeners = [.. start.Listeners, .. fields.Blocks("listener", 1).SelectMany(listeners.Read)],
            Storage = ReadStorage(fields) ?? start.Storage,
            Seal = ReadSeal(fields) ?? start.Seal,
            LogLevel = Choice(fields, "log_level", LogSettings.ParseLevel) ?? start.LogLevel,
            LogFormat = Choice(fields, "log_format", LogSettings.ParseFormat) ?? start.LogFormat,
            UnknownFields = Choice(fields, "unknown_fields", ParseUnknownFields) ?? start.UnknownFields,
            UserLockout = ReadUserLockout(fields, start.UserLockout),
        };
        ReadTelemetry(fields);
        if (fields.Bool("ui") == true)
        {
            Warn(body.Find("ui")!.Position, "ui is not supported yet: there is no web interface");
        }

        foreach (var key in Meaningless)
        {
            _ = fields.Value(key);
        }

        foreach (var (key, consequence) in Unsupported)
        {
            if (body.Find(key) is { } item)
            {
                Warn(item.Position, $"{key} is not supported yet: {consequence}");
                _ = item.Labels.Count > 0 ? (object)fields.Blocks(key, item.Labels.Count) : fields.Value(key);
            }
        }

        Collect(fields.Finish());
        if (result is { DefaultLeaseTtl: { } usual, MaxLeaseTtl: { } most } && usual > most)
        {
            problems.Add($"{file}: default_lease_ttl is longer than max_lease_ttl");
        }

        return result with
        {
            Warnings = [.. start.Warnings, .. _warnings],
        };
    }

    private StorageChoice? ReadStorage(HclFields fields)
    {
        StorageChoice? choice = null;
        foreach (var block in fields.Blocks("storage", 1).Concat(fields.Blocks("backend", 1)))
        {
            if (choice is not null)
            {
                Problem(block.Position, "storage is given twice");
            }

            var own = new HclFields(block.Body);
            switch (block.Label)
            {
                case "inmem":
                    choice = new StorageChoice();
                    Warn(
                        block.Position,
                        "storage \"inmem\" keeps everything in memory: it is lost when the server stops"
                    );
                    break;
                case "file" or "raft" or "sqlite":
                    if (own.String("path") is { Length: > 0 } path)
                    {
                        choice = new StorageChoice(Path.GetFullPath(path));
                        if (block.Label != "sqlite")
                        {
                            Warn(
                                block.Position,
                                $"storage \"{block.Label}\" means the embedded SQLite store, in {path}"
                            );
                        }
                    }
                    else
                    {
                        Problem(block.Position, $"storage \"{block.Label}\" needs path");
                    }

                    foreach (var item in own.Unread)
                    {
                        Warn(item.Position, $"{item.Key} has no effect on the embedded store");
                    }

                    break;
                default:
                    // Keeping secrets somewhere else than the operator said would be worse than not starting.
                    Problem(
                        block.Position,
                        $"storage \"{block.Label}\" is not supported; use \"file\" with a path (the embedded store), or \"inmem\""
                    );
                    break;
            }

            Collect(own.Problem);
        }

        return choice;
    }

    private SealChoice? ReadSeal(HclFields fields)
    {
        SealChoice? choice = null;
        foreach (var block in fields.Blocks("seal", 1))
        {
            var own = new HclFields(block.Body);
            if (own.Bool("disabled") == true)
            {
                continue;
            }

            switch (block.Label)
            {
                case "shamir":
                    choice = new SealChoice();
                    break;
                case "static":
                    const string Scheme = "file://";
                    var key = own.String("key_file") ?? own.String("current_key");
                    if (
                        key is { Length: > 0 }
                        && (key.StartsWith(Scheme, StringComparison.Ordinal) || key.StartsWith('/'))
                    )
                    {
                        choice = new SealChoice(key.Replace(Scheme, "", StringComparison.Ordinal));
                    }
                    else
                    {
                        Problem(
                            block.Position,
                            "seal \"static\" needs key_file, the path of a file with a 32-byte key"
                        );
                    }

                    _ = own.String("current_key_id");
                    Collect(own.Finish());
                    break;
                default:
                    // Shamir's shares guard the root key no less; what is lost is that the server opens itself.
                    Warn(
                        block.Position,
                        $"seal \"{block.Label}\" is not supported yet: Shamir's shares are used instead, so the server stays "
                            + "sealed after each start until somebody unseals it. It cannot open data that this seal protects"
                    );
                    break;
            }
        }

        return choice;
    }

    private Dictionary<string, UserLockoutTuning> ReadUserLockout(
        HclFields fields,
        IReadOnlyDictionary<string, UserLockoutTuning> start
    )
    {
        var byType = new Dictionary<string, UserLockoutTuning>(start, StringComparer.Ordinal);
        foreach (var block in fields.Blocks("user_lockout", 1))
        {
            if (block.Label is not ("all" or "userpass" or "approle" or "ldap"))
            {
                Problem(block.Position, $"user_lockout \"{block.Label}\": it is \"all\", \"userpass\" or \"approle\"");
                continue;
            }

            var own = new HclFields(block.Body);
            byType[block.Label] = new UserLockoutTuning
            {
                Threshold = own.Int("lockout_threshold"),
                Duration = own.Duration("lockout_duration"),
                CounterReset = own.Duration("lockout_counter_reset"),
                Disabled = own.Bool("disable_lockout"),
            };
            if (byType[block.Label].Threshold is <= 0)
            {
                Problem(
                    block.Position,
                    "user_lockout: lockout_threshold must be positive; disable_lockout turns it off"
                );
            }

            Collect(own.Finish());
        }

        return byType;
    }

    private void ReadTelemetry(HclFields fields)
    {
        foreach (var block in fields.Blocks("telemetry", 0))
        {
            var own = new HclFields(block.Body);
            foreach (var quiet in new[] { "prometheus_retention_time", "disable_hostname" })
            {
                _ = own.Value(quiet);
            }

            foreach (var item in own.Unread)
            {
                Warn(item.Position, $"telemetry: {item.Key} is not supported yet; metrics are read from sys/metrics");
            }
        }
    }

    private static T? Choice<T>(HclFields fields, string key, Func<string, T?> parse)
        where T : struct
    {
        if (fields.String(key) is not { } text)
        {
            return null;
        }

        if (parse(text) is { } value)
        {
            return value;
        }

        fields.Fail(fields.Value(key)!.Position, $"{key}: '{text}' is not one of its values");
        return null;
    }

    private static UnknownFields? ParseUnknownFields(string text) =>
        text switch
        {
            "refuse" => UnknownFields.Refuse,
            "warn" => UnknownFields.Warn,
            _ => null,
        };

    private void Warn(HclPosition position, string message) => _warnings.Add($"{file}:{position.Line}: {message}");

    private void Problem(HclPosition position, string message) => problems.Add($"{file}:{position.Line}: {message}");

    private void Collect(HclError? error)
    {
        if (error is not null)
        {
            Problem(error.Position, error.Message);
        }
    }
}
