using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mayfly.Agent.Configuration;

namespace Mayfly.Agent.Kubernetes;

/// <summary>The containers that run the agent in a pod.</summary>
internal static class AgentContainers
{
    /// <summary>The variable with the configuration, in base64.</summary>
    public const string Configuration = "MAYFLY_AGENT_CONFIG";

    /// <summary>Linux takes no longer string into a process's environment.</summary>
    private const int LongestVariable = 128 * 1024 - 512;

    public const string InitHome = "home-init";
    public const string SidecarHome = "home-sidecar";

    /// <summary>Renders once, and ends.</summary>
    public static JsonObject Init(Injection injection) =>
        Patched(injection, Container(injection, injection.Dialect.InitContainer, once: true), Endings.InitJsonPatch);

    /// <summary>Goes on running beside the application.</summary>
    public static JsonObject Sidecar(Injection injection)
    {
        var container = Container(injection, injection.Dialect.Sidecar, once: false);
        if (injection.IsNative)
        {
            container["restartPolicy"] = "Always";
            if (StartupProbe(injection) is { } probe)
            {
                container["startupProbe"] = probe;
            }
        }

        if (injection.RevokesOnShutdown)
        {
            container["lifecycle"] = Revocation(injection);
        }

        return Patched(injection, container, Endings.JsonPatch);
    }

    private static JsonObject Container(Injection injection, string name, bool once)
    {
        var container = new JsonObject
        {
            ["name"] = name,
            ["image"] = injection.Image,
            ["command"] = Strings("mayfly"),
            ["args"] = Arguments(injection, once),
            ["env"] = Variables(injection, once),
            ["volumeMounts"] = Mounts(injection, once),
        };
        if (injection.Resources.Count > 0)
        {
            container["resources"] = injection.Resources.DeepClone();
        }

        if (injection.SetSecurityContext)
        {
            container["securityContext"] = new JsonObject
            {
                ["runAsUser"] = injection.User,
                ["runAsGroup"] = injection.Group,
                ["runAsNonRoot"] = injection.User != 0,
                ["readOnlyRootFilesystem"] = true,
                ["allowPrivilegeEscalation"] = false,
                ["capabilities"] = new JsonObject { ["drop"] = Strings("ALL") },
                ["seccompProfile"] = new JsonObject { ["type"] = "RuntimeDefault" },
            };
        }

        return container;
    }

    private static JsonArray Arguments(Injection injection, bool once)
    {
        var config = injection.ConfigMap is null
            ? $"-config=env:{Configuration}"
            : $"-config={injection.Dialect.ConfigFolder}/{(once ? "config-init.hcl" : "config.hcl")}";
        return Strings("agent", config, $"-log-level={injection.LogLevel}", $"-log-format={injection.LogFormat}");
    }

    private static JsonArray Variables(Injection injection, bool once)
    {
        var list = new JsonArray(
            // For templates: {{ env "NAMESPACE" }}.
            Downward("NAMESPACE", "metadata.namespace"),
            Downward("POD_NAME", "metadata.name"),
            Downward("HOST_IP", "status.hostIP"),
            Downward("POD_IP", "status.podIP"),
            Variable("HOME", injection.Dialect.HomeFolder),
            // The runtime keeps its socket for debuggers in a folder of its own otherwise; and nobody may attach one here.
            Variable("TMPDIR", injection.Dialect.HomeFolder),
            Variable("DOTNET_EnableDiagnostics", "0")
        );
        var annotations = injection.Annotations;
        if (injection.Address.Length > 0)
        {
            Add("MAYFLY_ADDR", injection.Address);
        }

        Add("MAYFLY_CLIENT_TIMEOUT", annotations.Word(Endings.ClientTimeout));
        Add(
            "HTTPS_PROXY",
            annotations.Word(Endings.Proxy)
                ?? (injection.Defaults.ProxyAddress.Length > 0 ? injection.Defaults.ProxyAddress : null)
        );
        Add(
            "DOTNET_PROCESSOR_COUNT",
            annotations.Whole(Endings.Processors, 1, 1024)?.ToString(CultureInfo.InvariantCulture)
        );
        if (injection.ConfigMap is null)
        {
            var json = GeneratedConfiguration.Write(injection, once);
            Check(annotations, json);
            var config = Convert.ToBase64String(json);
            if (config.Length > LongestVariable)
            {
                annotations.Problem(
                    $"the annotations make a configuration of {config.Length} bytes, which no environment takes; bring templates by {Endings.ConfigMap} or {Endings.ExtraSecret}"
                );
            }

            Add(Configuration, config);
        }

        return list;

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                list.Add((JsonNode)Variable(name, value));
            }
        }
    }

    // What the agent would refuse when it starts, the author is told now.
    private static void Check(PodAnnotations annotations, byte[] json)
    {
        var (read, problems) = ConfigurationFiles.ReadText("configuration", Encoding.UTF8.GetString(json));
        foreach (var problem in problems)
        {
            annotations.Problem("the agent would not start: " + Placeless(problem));
        }

        foreach (var warning in read?.Warnings ?? [])
        {
            annotations.Warn(Placeless(warning));
        }
    }

    // "configuration: line 1, column 70: what": lines of what the author never sees are no help.
    private static string Placeless(string problem)
    {
        var at = problem.StartsWith("configuration: ", StringComparison.Ordinal)
            ? problem.IndexOf(": ", "configuration: ".Length, StringComparison.Ordinal)
            : -1;
        return at < 0 ? problem : problem[(at + 2)..];
    }

    private static JsonObject Variable(string name, string value) => new() { ["name"] = name, ["value"] = value };

    private static JsonObject Downward(string name, string field) =>
        new()
        {
            ["name"] = name,
            ["valueFrom"] = new JsonObject { ["fieldRef"] = new JsonObject { ["fieldPath"] = field } },
        };

    private static JsonArray Mounts(Injection injection, bool once)
    {
        var dialect = injection.Dialect;
        var mounts = new JsonArray(Mount(once ? InitHome : SidecarHome, dialect.HomeFolder, readOnly: false));
        if (injection.TokenFolder is { } folder)
        {
            mounts.Add((JsonNode)Mount(injection.TokenVolume ?? dialect.TokenVolume, folder, readOnly: true));
        }

        foreach (var mount in SecretMounts(injection, readOnly: false))
        {
            mounts.Add((JsonNode)mount);
        }

        if (injection.ConfigMap is not null)
        {
            mounts.Add((JsonNode)Mount(dialect.ConfigVolume, dialect.ConfigFolder, readOnly: true));
        }

        if (injection.ExtraSecret is not null)
        {
            mounts.Add((JsonNode)Mount(dialect.ExtraSecretVolume, dialect.ExtraSecretFolder, readOnly: true));
        }

        if (injection.TlsSecret is not null)
        {
            mounts.Add((JsonNode)Mount(dialect.TlsVolume, dialect.TlsFolder, readOnly: true));
        }

        foreach (var copied in injection.CopiedMounts)
        {
            var path = PodView.Text(copied, "mountPath");
            if (!mounts.Any(mount => mount!["mountPath"]!.GetValue<string>() == path))
            {
                mounts.Add(copied.DeepClone());
            }
        }

        return mounts;
    }

    /// <summary>The volumes with rendered files.</summary>
    public static IEnumerable<JsonObject> SecretMounts(Injection injection, bool readOnly) =>
        injection.Secrets.Folders.Select(
            (folder, index) => Mount(SecretVolume(injection.Dialect, index), folder, readOnly)
        );

    /// <summary>The name of the volume for a folder of <see cref="SecretFiles.Folders"/>.</summary>
    public static string SecretVolume(Dialect dialect, int index) =>
        index == 0
            ? dialect.SecretsVolume
            : string.Create(CultureInfo.InvariantCulture, $"{dialect.SecretsVolume}-custom-{index - 1}");

    private static JsonObject Mount(string volume, string path, bool readOnly)
    {
        var mount = new JsonObject { ["name"] = volume, ["mountPath"] = path };
        if (readOnly)
        {
            mount["readOnly"] = true;
        }

        return mount;
    }

    // The next container starts when all files are there. ls takes paths as they are and fails when one is missing, so no
    // shell has to read them.
    private static JsonObject? StartupProbe(Injection injection)
    {
        string[] files =
        [
            .. injection.Secrets.Files.Select(file => file.Destination),
            .. injection.SharedToken is { } token ? new[] { token } : [],
        ];
        if (
            files.Length == 0
            || injection.ConfigMap is not null
            || !injection.Annotations.Flag(Endings.PrePopulate, fallback: true)
        )
        {
            return null;
        }

        return new JsonObject
        {
            ["exec"] = new JsonObject { ["command"] = Strings(["ls", "-d", "--", .. files]) },
            ["periodSeconds"] = 1,
            ["timeoutSeconds"] = 5,
            // Ten minutes; then the container is started again, as it is after any failure.
            ["failureThreshold"] = 600,
        };
    }

    // The grace lets the application end its work with what the token has leased. The shell gets the command as arguments.
    private static JsonObject Revocation(Injection injection)
    {
        var annotations = injection.Annotations;
        var command = new List<string> { "mayfly", "token", "revoke", "-self" };
        if (injection.ServerNamespace is { } space)
        {
            command.Add($"-namespace={space}");
        }

        Option("ca-cert", Endings.CaCertificate);
        Option("ca-path", Endings.CaFolder);
        Option("client-cert", Endings.ClientCertificate);
        Option("client-key", Endings.ClientKey);
        Option("tls-server-name", Endings.TlsServerName);
        if (annotations.Flag(Endings.TlsSkipVerify, fallback: false))
        {
            command.Add("-tls-skip-verify");
        }

        var seconds = injection.RevokeGrace.ToString(CultureInfo.InvariantCulture);
        return new JsonObject
        {
            ["preStop"] = new JsonObject
            {
                ["exec"] = new JsonObject
                {
                    ["command"] = Strings(["/bin/sh", "-c", $"sleep {seconds}; exec \"$@\"", "sh", .. command]),
                },
            },
        };

        void Option(string flag, string ending)
        {
            if (annotations.Word(ending) is { } value)
            {
                command.Add($"-{flag}={value}");
            }
        }
    }

    private static JsonObject Patched(Injection injection, JsonObject container, string ending)
    {
        if (injection.Annotations.Text(ending) is not { Length: > 0 } text)
        {
            return container;
        }

        try
        {
            if (JsonNode.Parse(text, documentOptions: Admission.Strict) is not JsonArray patch)
            {
                injection.Annotations.Problem(ending, "must be a list of operations (RFC 6902)");
            }
            else if (
                JsonPatch.Apply(container, patch) is JsonObject patched
                && PodView.Text(patched, "name") is { Length: > 0 }
            )
            {
                return patched;
            }
            else
            {
                injection.Annotations.Problem(ending, "must leave a container with a name");
            }
        }
        catch (JsonException)
        {
            injection.Annotations.Problem(ending, "must be JSON");
        }
        catch (JsonPatchException failure)
        {
            injection.Annotations.Problem(ending, $"does not apply: {failure.Message}");
        }

        return container;
    }

    private static JsonArray Strings(params IEnumerable<string> values) =>
        new([.. values.Select(value => (JsonNode)value)]);
}
