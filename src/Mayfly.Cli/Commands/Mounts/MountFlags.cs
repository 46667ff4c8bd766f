using System.Text.Json;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Mounts;

/// <summary>The settings of a mount, shared by enabling and tuning, by secrets engines and auth methods.</summary>
internal sealed class MountFlags(bool isAuth)
{
    private readonly TextFlag _description = new("description", "What it is for, in words.");
    private readonly DurationFlag _defaultTtl = new("default-lease-ttl", "How long leases live unless they say.");
    private readonly DurationFlag _maxTtl = new("max-lease-ttl", "How long leases live at most.");
    private readonly TextFlag _visibility = new("listing-visibility", "unauth: shown to people who are not logged in.");
    private readonly ListFlag _requestKeys = new("audit-non-hmac-request-keys", "Field left readable in the audit.");
    private readonly ListFlag _responseKeys = new("audit-non-hmac-response-keys", "Field left readable in the audit.");
    private readonly ListFlag _passthrough = new("passthrough-request-headers", "Header that the engine may see.");
    private readonly ListFlag _allowed = new("allowed-response-headers", "Header that the engine may set.");
    private readonly MapFlag _options = new("options", "Setting of the engine as key=value. May be repeated.");
    private readonly NumberFlag _version = new(
        "version",
        "Version of the engine: 2 for a key/value store with versions."
    );
    private readonly TextFlag _pluginVersion = new("plugin-version", "Version of the plugin.") { Hidden = true };
    private readonly TextFlag _tokenType = new("token-type", "Type of the tokens: service or batch.");
    private readonly BoolFlag _noCache = new("force-no-cache", "Do not cache.");

    public IReadOnlyList<Flag> All => isAuth ? [.. Common, _tokenType] : [.. Common, _noCache];

    public string? Description => _description.IsSet ? _description.Value : null;

    private IReadOnlyList<Flag> Common =>
        [
            _description,
            _defaultTtl,
            _maxTtl,
            _options,
            _version,
            _visibility,
            _requestKeys,
            _responseKeys,
            _passthrough,
            _allowed,
            _pluginVersion,
        ];

    /// <summary>The members of <c>config</c> when enabling, of the whole body when tuning.</summary>
    public void WriteConfig(Utf8JsonWriter writer)
    {
        Duration(writer, "default_lease_ttl", _defaultTtl);
        Duration(writer, "max_lease_ttl", _maxTtl);
        Text(writer, "listing_visibility", _visibility);
        List(writer, "audit_non_hmac_request_keys", _requestKeys);
        List(writer, "audit_non_hmac_response_keys", _responseKeys);
        List(writer, "passthrough_request_headers", _passthrough);
        List(writer, "allowed_response_headers", _allowed);
        Text(writer, "plugin_version", _pluginVersion);
        Text(writer, "token_type", _tokenType);
        if (_noCache.IsSet)
        {
            writer.WriteBoolean("force_no_cache", _noCache.Value);
        }
    }

    /// <summary>The member <c>options</c>, when there are some.</summary>
    public void WriteOptions(Utf8JsonWriter writer)
    {
        if (!_options.IsSet && _version.Value is null)
        {
            return;
        }

        writer.WriteStartObject("options");
        foreach (var (name, value) in _options.Values)
        {
            if (name != "version" || _version.Value is null)
            {
                writer.WriteString(name, value);
            }
        }

        if (_version.Value is { } version)
        {
            writer.WriteString("version", version.ToString());
        }

        writer.WriteEndObject();
    }

    // A negative duration takes the setting back to the system's.
    private static void Duration(Utf8JsonWriter writer, string name, DurationFlag flag)
    {
        if (flag.Value is { } value)
        {
            writer.WriteString(name, value.StartsWith('-') ? "system" : value);
        }
    }

    private static void Text(Utf8JsonWriter writer, string name, TextFlag flag)
    {
        if (flag.IsSet)
        {
            writer.WriteString(name, flag.Value);
        }
    }

    private static void List(Utf8JsonWriter writer, string name, ListFlag flag)
    {
        if (!flag.IsSet)
        {
            return;
        }

        writer.WriteStartArray(name);
        foreach (var value in flag.Values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
