using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mayfly.Agent.Templates.Values;
using Mayfly.Hcl;

namespace Mayfly.Agent.Kubernetes;

/// <summary>
/// What a pod's annotations ask for. Both prefixes are read; where both have an annotation of the same ending, ours wins.
/// </summary>
/// <remarks>Gathers what is wrong instead of stopping at the first, so that one answer names everything.</remarks>
internal sealed class PodAnnotations
{
    private const int LongestQuote = 40;

    private readonly Dictionary<string, (string Key, string Value)> _values = new(StringComparer.Ordinal);
    private readonly List<string> _problems = [];
    private readonly List<string> _warnings = [];

    private PodAnnotations() { }

    /// <summary>What makes injection impossible, for the pod's author.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>What was passed over, for the pod's author.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    public static PodAnnotations Of(JsonObject? annotations)
    {
        var read = new PodAnnotations();
        foreach (var dialect in new[] { Dialect.Vault, Dialect.Mayfly })
        {
            foreach (var (key, node) in annotations ?? [])
            {
                if (!key.StartsWith(dialect.Prefix, StringComparison.Ordinal))
                {
                    continue;
                }

                if (node is not JsonValue value || !value.TryGetValue<string>(out var text))
                {
                    read._problems.Add($"{key} must be text");
                    continue;
                }

                var ending = key[dialect.Prefix.Length..];
                if (!Endings.IsKnown(ending))
                {
                    read._warnings.Add($"{key} is no annotation that the injector knows");
                    continue;
                }

                read._values[ending] = (key, text);
            }
        }

        return read;
    }

    /// <summary>Who asks for the agent: ours before Vault's. Null when nobody does, or when the answer is no.</summary>
    public Dialect? AskedBy()
    {
        if (!_values.TryGetValue(Endings.Inject, out var asked) || !Flag(Endings.Inject, fallback: false))
        {
            return null;
        }

        return asked.Key.StartsWith(Dialect.Mayfly.Prefix, StringComparison.Ordinal) ? Dialect.Mayfly : Dialect.Vault;
    }

    public bool Has(string ending) => _values.ContainsKey(ending);

    /// <summary>The annotation as the author wrote it, prefix and all; ours when it is not there.</summary>
    public string KeyOf(string ending) =>
        _values.TryGetValue(ending, out var found) ? found.Key : Dialect.Mayfly.Prefix + ending;

    /// <summary>The value as it stands, however long; null when the annotation is not there.</summary>
    public string? Text(string ending) => _values.TryGetValue(ending, out var found) ? found.Value : null;

    /// <summary>A value of one line: trimmed, without control characters; null when absent or empty.</summary>
    public string? Word(string ending)
    {
        if (Text(ending)?.Trim() is not { Length: > 0 } text)
        {
            return null;
        }

        if (text.Any(char.IsControl))
        {
            Problem(ending, "must be one line");
            return null;
        }

        return text;
    }

    /// <summary>A value that is one of a few words, whatever its case.</summary>
    public string? Choice(string ending, params ReadOnlySpan<string> choices)
    {
        if (Word(ending) is not { } word)
        {
            return null;
        }

        foreach (var choice in choices)
        {
            if (string.Equals(choice, word, StringComparison.OrdinalIgnoreCase))
            {
                return choice;
            }
        }

        Problem(ending, $"must be {string.Join(" or ", choices!)}, not {Quote(word)}");
        return null;
    }

    public bool Flag(string ending, bool fallback) => FlagOrNull(ending) ?? fallback;

    public bool? FlagOrNull(string ending)
    {
        if (Text(ending)?.Trim() is not { } text)
        {
            return null;
        }

        var flag = GoBool.Parse(text);
        if (flag is null)
        {
            Problem(ending, $"must be true or false, not {Quote(text)}");
        }

        return flag;
    }

    public long? Whole(string ending, long least, long most)
    {
        if (Word(ending) is not { } word)
        {
            return null;
        }

        if (
            long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && number >= least
            && number <= most
        )
        {
            return number;
        }

        Problem(ending, $"must be a whole number from {least} to {most}, not {Quote(word)}");
        return null;
    }

    /// <summary>A duration: <c>60</c> (seconds), <c>60s</c> or <c>1m</c>. As it was written.</summary>
    public string? Duration(string ending)
    {
        if (Word(ending) is not { } word)
        {
            return null;
        }

        if (Durations.TryParse(word, out _))
        {
            return word;
        }

        Problem(ending, $"must be a duration such as 30s or 5m, not {Quote(word)}");
        return null;
    }

    /// <summary>The annotations of a family, by what follows its name: <c>agent-inject-secret-</c> and <c>db</c>.</summary>
    public IEnumerable<KeyValuePair<string, string>> Family(string family) =>
        _values
            .Where(value => Endings.FamilyOf(value.Key) == family)
            .Select(value => KeyValuePair.Create(value.Key[family.Length..], value.Value.Value))
            .OrderBy(value => value.Key, StringComparer.Ordinal);

    public void Problem(string ending, string what) => Problem($"{KeyOf(ending)} {what}");

    // Said once, however often a value is read.
    public void Problem(string what)
    {
        if (!_problems.Contains(what))
        {
            _problems.Add(what);
        }
    }

    public void Warn(string what)
    {
        if (!_warnings.Contains(what))
        {
            _warnings.Add(what);
        }
    }

    /// <summary>A value for a message: short, and in quotation marks that it cannot leave.</summary>
    public static string Quote(string value)
    {
        var shown = JsonEncodedText.Encode(value.Length > LongestQuote ? value[..LongestQuote] : value);
        return value.Length > LongestQuote ? $"\"{shown}…\"" : $"\"{shown}\"";
    }
}

/// <summary>What may follow a prefix.</summary>
internal static class Endings
{
    public const string Inject = "agent-inject";
    public const string Status = "agent-inject-status";
    public const string Containers = "agent-inject-containers";
    public const string DefaultTemplate = "agent-inject-default-template";
    public const string ShareToken = "agent-inject-token";
    public const string NativeSidecar = "agent-inject-native-sidecar";
    public const string SecretFolder = "secret-volume-path";
    public const string PreserveCase = "preserve-secret-case";
    public const string ConfigMap = "agent-configmap";
    public const string ExtraSecret = "agent-extra-secret";
    public const string Image = "agent-image";
    public const string InitFirst = "agent-init-first";
    public const string PrePopulate = "agent-pre-populate";
    public const string PrePopulateOnly = "agent-pre-populate-only";
    public const string LimitCpu = "agent-limits-cpu";
    public const string LimitMemory = "agent-limits-mem";
    public const string LimitEphemeral = "agent-limits-ephemeral";
    public const string RequestCpu = "agent-requests-cpu";
    public const string RequestMemory = "agent-requests-mem";
    public const string RequestEphemeral = "agent-requests-ephemeral";
    public const string RevokeOnShutdown = "agent-revoke-on-shutdown";
    public const string RevokeGrace = "agent-revoke-grace";
    public const string User = "agent-run-as-user";
    public const string Group = "agent-run-as-group";
    public const string SameUser = "agent-run-as-same-user";
    public const string SecurityContext = "agent-set-security-context";
    public const string ShareProcesses = "agent-share-process-namespace";
    public const string Cache = "agent-cache-enable";
    public const string CacheToken = "agent-cache-use-auto-auth-token";
    public const string CachePort = "agent-cache-listener-port";
    public const string CopyMounts = "agent-copy-volume-mounts";
    public const string TokenVolume = "agent-service-account-token-volume-name";
    public const string TokenAudience = "agent-service-account-token-audience";
    public const string Quit = "agent-enable-quit";
    public const string JsonPatch = "agent-json-patch";
    public const string InitJsonPatch = "agent-init-json-patch";
    public const string ExitOnLoginError = "agent-auto-auth-exit-on-err";
    public const string Processors = "go-max-procs";
    public const string LogLevel = "log-level";
    public const string LogFormat = "log-format";
    public const string Role = "role";
    public const string Address = "service";
    public const string Namespace = "namespace";
    public const string Proxy = "proxy-address";
    public const string AuthType = "auth-type";
    public const string AuthPath = "auth-path";
    public const string AuthLeastBackoff = "auth-min-backoff";
    public const string AuthMostBackoff = "auth-max-backoff";
    public const string CaCertificate = "ca-cert";
    public const string CaFolder = "ca-key";
    public const string ClientCertificate = "client-cert";
    public const string ClientKey = "client-key";
    public const string ClientRetries = "client-max-retries";
    public const string ClientTimeout = "client-timeout";
    public const string TlsSecret = "tls-secret";
    public const string TlsServerName = "tls-server-name";
    public const string TlsSkipVerify = "tls-skip-verify";
    public const string ExitOnRetryFailure = "template-config-exit-on-retry-failure";
    public const string RenderInterval = "template-static-secret-render-interval";
    public const string ConnectionsPerHost = "template-max-connections-per-host";
    public const string DisableIdleConnections = "agent-disable-idle-connections";
    public const string DisableKeepAlives = "agent-disable-keep-alives";

    public const string Secrets = "agent-inject-secret-";
    public const string Templates = "agent-inject-template-";
    public const string TemplateFiles = "agent-inject-template-file-";
    public const string Files = "agent-inject-file-";
    public const string Modes = "agent-inject-perms-";
    public const string Commands = "agent-inject-command-";
    public const string Folders = "secret-volume-path-";
    public const string MissingKeys = "error-on-missing-key-";
    public const string AuthSettings = "auth-config-";
    public const string Telemetry = "agent-telemetry-";

    // Longest first: a template file's annotation begins as a template's does.
    private static readonly string[] Families =
    [
        TemplateFiles,
        Templates,
        Secrets,
        Files,
        Modes,
        Commands,
        Folders,
        MissingKeys,
        AuthSettings,
        Telemetry,
    ];

    private static readonly FrozenSet<string> Single = new[]
    {
        Inject,
        Status,
        Containers,
        DefaultTemplate,
        ShareToken,
        NativeSidecar,
        SecretFolder,
        PreserveCase,
        ConfigMap,
        ExtraSecret,
        Image,
        InitFirst,
        PrePopulate,
        PrePopulateOnly,
        LimitCpu,
        LimitMemory,
        LimitEphemeral,
        RequestCpu,
        RequestMemory,
        RequestEphemeral,
        RevokeOnShutdown,
        RevokeGrace,
        User,
        Group,
        SameUser,
        SecurityContext,
        ShareProcesses,
        Cache,
        CacheToken,
        CachePort,
        CopyMounts,
        TokenVolume,
        TokenAudience,
        Quit,
        JsonPatch,
        InitJsonPatch,
        ExitOnLoginError,
        Processors,
        LogLevel,
        LogFormat,
        Role,
        Address,
        Namespace,
        Proxy,
        AuthType,
        AuthPath,
        AuthLeastBackoff,
        AuthMostBackoff,
        CaCertificate,
        CaFolder,
        ClientCertificate,
        ClientKey,
        ClientRetries,
        ClientTimeout,
        TlsSecret,
        TlsServerName,
        TlsSkipVerify,
        ExitOnRetryFailure,
        RenderInterval,
        ConnectionsPerHost,
        DisableIdleConnections,
        DisableKeepAlives,
    }.ToFrozenSet(StringComparer.Ordinal);

    public static bool IsKnown(string ending) => Single.Contains(ending) || FamilyOf(ending) is not null;

    /// <summary>The family that an ending belongs to, or null.</summary>
    public static string? FamilyOf(string ending) =>
        Array.Find(
            Families,
            family => ending.Length > family.Length && ending.StartsWith(family, StringComparison.Ordinal)
        );
}
