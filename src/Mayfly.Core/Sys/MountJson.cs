using System.Text.Json;
using Mayfly.Core.Auth;
using Mayfly.Core.Engines;
using Mayfly.Core.Mounts;

namespace Mayfly.Core.Sys;

/// <summary>Mounts as replies show them.</summary>
internal static class MountJson
{
    private static readonly Dictionary<string, UserLockoutTuning> NoDefaults = [];

    /// <summary>The path without <c>auth/</c>, as <c>sys/auth</c> lists it.</summary>
    public static string ShownPath(Mount mount) =>
        mount.Kind == EngineKind.Auth ? mount.Path["auth/".Length..] : mount.Path;

    public static void WriteTo(Utf8JsonWriter writer, Mount mount)
    {
        writer.WriteString("accessor", mount.Accessor);
        writer.WriteStartObject("config");
        writer.WriteNumber("default_lease_ttl", (long)mount.Tuning.DefaultLeaseTtl.TotalSeconds);
        writer.WriteBoolean("force_no_cache", false);
        writer.WriteNumber("max_lease_ttl", (long)mount.Tuning.MaxLeaseTtl.TotalSeconds);
        WriteOptional(writer, mount);
        if (mount.Tuning.UserLockout is not null)
        {
            writer.WriteStartObject("user_lockout_config");
            UserLockoutFields.WriteTo(writer, LockoutLimits.Of(mount, NoDefaults));
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteString("deprecation_status", "supported");
        writer.WriteString("description", mount.Description);
        writer.WriteBoolean("external_entropy_access", mount.ExternalEntropyAccess);
        writer.WriteBoolean("local", mount.Local);
        WriteOptions(writer, mount);
        writer.WriteString("plugin_version", "");
        writer.WriteString("running_plugin_version", "v1.17.0+builtin.vault");
        writer.WriteString("running_sha256", "");
        writer.WriteBoolean("seal_wrap", mount.SealWrap);
        writer.WriteString("type", mount.Type);
        writer.WriteString("uuid", mount.Uuid);
    }

    /// <summary>The settings as they take effect: zeros have become the server's values.</summary>
    public static void WriteTuningTo(Utf8JsonWriter writer, Mount mount, VaultOptions server)
    {
        var ttl = mount.Tuning.DefaultLeaseTtl > TimeSpan.Zero ? mount.Tuning.DefaultLeaseTtl : server.DefaultLeaseTtl;
        var max = mount.Tuning.MaxLeaseTtl > TimeSpan.Zero ? mount.Tuning.MaxLeaseTtl : server.MaxLeaseTtl;
        writer.WriteNumber("default_lease_ttl", (long)ttl.TotalSeconds);
        writer.WriteString("description", mount.Description);
        writer.WriteBoolean("force_no_cache", false);
        writer.WriteNumber("max_lease_ttl", (long)max.TotalSeconds);
        if (mount.Options.Count > 0)
        {
            WriteOptions(writer, mount);
        }

        WriteOptional(writer, mount);
        if (mount.Tuning.UserLockout is not null)
        {
            UserLockoutFields.WriteTo(writer, LockoutLimits.Of(mount, server.UserLockout));
        }
    }

    public static void WriteOptions(Utf8JsonWriter writer, Mount mount)
    {
        if (mount.Options.Count == 0)
        {
            writer.WriteNull("options");
            return;
        }

        writer.WriteStartObject("options");
        foreach (var (key, value) in mount.Options)
        {
            writer.WriteString(key, value);
        }

        writer.WriteEndObject();
    }

    private static void WriteOptional(Utf8JsonWriter writer, Mount mount)
    {
        var tuning = mount.Tuning;
        WriteIfAny(writer, "audit_non_hmac_request_keys", tuning.AuditNonHmacRequestKeys);
        WriteIfAny(writer, "audit_non_hmac_response_keys", tuning.AuditNonHmacResponseKeys);
        WriteIfAny(writer, "passthrough_request_headers", tuning.PassthroughRequestHeaders);
        WriteIfAny(writer, "allowed_response_headers", tuning.AllowedResponseHeaders);
        if (tuning.ListingVisibility.Length > 0)
        {
            writer.WriteString("listing_visibility", tuning.ListingVisibility);
        }

        if (mount.Kind == EngineKind.Auth)
        {
            writer.WriteString("token_type", tuning.TokenType.Length == 0 ? "default-service" : tuning.TokenType);
        }
    }

    private static void WriteIfAny(Utf8JsonWriter writer, string name, IReadOnlyList<string> values)
    {
        if (values.Count > 0)
        {
            TokenParameters.WriteStrings(writer, name, values);
        }
    }
}
