using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Mayfly.Agent.Kubernetes;

/// <summary>
/// The configuration that an injected agent runs with, as JSON, where no value can become anything but a value. It has names
/// and paths of secrets, and no secret.
/// </summary>
internal static class GeneratedConfiguration
{
    /// <param name="injection">What the pod gets.</param>
    /// <param name="once">For the init container: renders everything, and ends.</param>
    public static byte[] Write(Injection injection, bool once)
    {
        var buffer = new ArrayBufferWriter<byte>(2048);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (once)
            {
                json.WriteBoolean("exit_after_auth", true);
            }

            Server(json, injection);
            AutoAuth(json, injection);
            Templates(json, injection);
            if (!once)
            {
                Listener(json, injection);
                Telemetry(json, injection.Annotations);
            }

            Names(json, "disable_idle_connections", injection.ListOf(Endings.DisableIdleConnections));
            Names(json, "disable_keep_alives", injection.ListOf(Endings.DisableKeepAlives));
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Server(Utf8JsonWriter json, Injection injection)
    {
        var annotations = injection.Annotations;
        json.WriteStartObject("vault");
        json.WriteString("address", injection.Address);
        Text(json, "namespace", injection.ServerNamespace);
        Text(json, "ca_cert", annotations.Word(Endings.CaCertificate));
        Text(json, "ca_path", annotations.Word(Endings.CaFolder));
        Text(json, "client_cert", annotations.Word(Endings.ClientCertificate));
        Text(json, "client_key", annotations.Word(Endings.ClientKey));
        Text(json, "tls_server_name", annotations.Word(Endings.TlsServerName));
        if (annotations.Flag(Endings.TlsSkipVerify, fallback: false))
        {
            json.WriteBoolean("tls_skip_verify", true);
        }

        if (annotations.Whole(Endings.ClientRetries, int.MinValue, 1000) is { } retries)
        {
            // Zero means the default there, and "none" here.
            json.WriteStartObject("retry");
            json.WriteNumber("num_retries", retries <= 0 ? -1 : retries);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void AutoAuth(Utf8JsonWriter json, Injection injection)
    {
        var annotations = injection.Annotations;
        json.WriteStartObject("auto_auth");
        json.WriteStartObject("method");
        json.WriteString("type", injection.AuthType);
        json.WriteString("mount_path", injection.AuthPath);
        Text(json, "min_backoff", annotations.Word(Endings.AuthLeastBackoff));
        Text(json, "max_backoff", annotations.Word(Endings.AuthMostBackoff));
        if (annotations.FlagOrNull(Endings.ExitOnLoginError) is { } exit)
        {
            json.WriteBoolean("exit_on_err", exit);
        }

        json.WriteStartObject("config");
        if (injection.Role.Length > 0 && !Sets(injection, "role"))
        {
            json.WriteString("role", injection.Role);
        }

        if (injection.TokenFolder is { } folder)
        {
            var name = injection.AuthType == "jwt" ? "path" : "token_path";
            if (!Sets(injection, name))
            {
                json.WriteString(name, folder + "/token");
            }

            if (injection.AuthType == "jwt" && !Sets(injection, "remove_jwt_after_reading"))
            {
                // The kubelet's file is not the agent's to remove.
                json.WriteBoolean("remove_jwt_after_reading", false);
            }
        }

        foreach (var (name, value) in injection.AuthSettings)
        {
            if (value is "true" or "false")
            {
                json.WriteBoolean(name, value == "true");
            }
            else
            {
                json.WriteString(name, value);
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();

        json.WriteStartArray("sink");
        Sink(json, injection.Dialect.TokenFile, "0600");
        if (injection.SharedToken is { } shared)
        {
            Sink(json, shared, injection.FileMode);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static bool Sets(Injection injection, string setting) =>
        injection.AuthSettings.Any(given => given.Key == setting);

    private static void Sink(Utf8JsonWriter json, string path, string mode)
    {
        json.WriteStartObject();
        json.WriteString("type", "file");
        json.WriteStartObject("config");
        json.WriteString("path", path);
        json.WriteString("mode", mode);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Templates(Utf8JsonWriter json, Injection injection)
    {
        json.WriteStartArray("template");
        foreach (var file in injection.Secrets.Files)
        {
            json.WriteStartObject();
            json.WriteString("destination", file.Destination);
            json.WriteBoolean("create_dest_dirs", true);
            Text(json, "contents", file.Contents);
            Text(json, "source", file.Source);
            json.WriteString("perms", file.Mode);
            Text(json, "command", file.Command);
            if (file.ErrorOnMissingKey is { } fails)
            {
                json.WriteBoolean("error_on_missing_key", fails);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();

        json.WriteStartObject("template_config");
        json.WriteBoolean(
            "exit_on_retry_failure",
            injection.Annotations.Flag(Endings.ExitOnRetryFailure, injection.Defaults.ExitOnRetryFailure)
        );
        Text(
            json,
            "static_secret_render_interval",
            injection.Annotations.Word(Endings.RenderInterval)
                ?? (injection.Defaults.RenderInterval.Length > 0 ? injection.Defaults.RenderInterval : null)
        );
        if (
            (
                injection.Annotations.Whole(Endings.ConnectionsPerHost, 1, 10_000)
                ?? injection.Defaults.ConnectionsPerHost
            ) is
            { } connections
        )
        {
            json.WriteNumber("max_connections_per_host", connections);
        }

        json.WriteEndObject();
    }

    private static void Listener(Utf8JsonWriter json, Injection injection)
    {
        if (!injection.ListensForApplications && !injection.AllowsQuit)
        {
            return;
        }

        json.WriteStartObject("cache");
        json.WriteEndObject();
        if (injection.ListensForApplications)
        {
            json.WriteStartObject("api_proxy");
            if (injection.ListenerToken == "force")
            {
                json.WriteString("use_auto_auth_token", "force");
            }
            else
            {
                json.WriteBoolean("use_auto_auth_token", injection.ListenerToken == "true");
            }

            json.WriteEndObject();
        }

        json.WriteStartArray("listener");
        json.WriteStartObject();
        json.WriteString("type", "tcp");
        json.WriteString("address", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{injection.ListenerPort}"));
        json.WriteBoolean("tls_disable", true);
        if (injection.AllowsQuit)
        {
            json.WriteStartObject("agent_api");
            json.WriteBoolean("enable_quit", true);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void Telemetry(Utf8JsonWriter json, PodAnnotations annotations)
    {
        var settings = annotations.Family(Endings.Telemetry).ToList();
        if (settings.Count == 0)
        {
            return;
        }

        json.WriteStartObject("telemetry");
        foreach (var (name, value) in settings)
        {
            if (value is "true" or "false")
            {
                json.WriteBoolean(name, value == "true");
            }
            else
            {
                json.WriteString(name, value);
            }
        }

        json.WriteEndObject();
    }

    private static void Names(Utf8JsonWriter json, string name, IReadOnlyList<string> values)
    {
        if (values.Count == 0)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static void Text(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}
