using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Engines.Database;

/// <summary>A configured database: the record behind <c>config/NAME</c>. Immutable.</summary>
internal sealed record ConnectionConfig
{
    public const int DefaultMaxOpen = 4;

    public required string PluginName { get; init; }

    /// <summary>Roles that may use it; <c>*</c> for all, and a star at either end of a name for any text there.</summary>
    public IReadOnlyList<string> AllowedRoles { get; init; } = [];

    public IReadOnlyList<string> RootRotationStatements { get; init; } = [];

    /// <summary>The policy that passwords are made by; empty for Vault's default.</summary>
    public string PasswordPolicy { get; init; } = "";

    public bool VerifyConnection { get; init; } = true;

    /// <summary>The user of the connection: the secret that only this record and the database know.</summary>
    public string Password { get; init; } = "";

    /// <summary>
    /// The password that is being given to the user of the connection. While it is set, nobody but the database knows which
    /// of the two is the right one.
    /// </summary>
    public string PendingPassword { get; init; } = "";

    /// <summary>Other secrets, such as the key of a certificate; never shown again.</summary>
    public IReadOnlyDictionary<string, string> Secrets { get; init; } = Role.NoConfig;

    /// <summary>Everything else that was set, as it was sent: shown again as <c>connection_details</c>.</summary>
    public IReadOnlyDictionary<string, string> Details { get; init; } = Role.NoConfig;

    /// <summary>When the password of the connection's user is rotated by itself, as it was sent; empty for never.</summary>
    public IReadOnlyDictionary<string, string> RootSchedule { get; init; } = Role.NoConfig;

    public string Url => Detail("connection_url");

    public string Username => Detail("username");

    public string UsernameTemplate => Detail("username_template");

    public int MaxOpen =>
        int.TryParse(Detail("max_open_connections"), out var count) && count > 0 ? count : DefaultMaxOpen;

    public string Detail(string name) => Details.GetValueOrDefault(name, "");

    public string Secret(string name) => Secrets.GetValueOrDefault(name, "");

    /// <summary>A switch among the details.</summary>
    public bool Flag(string name) => Detail(name) is "true" or "1" or "t" or "True" or "TRUE";

    /// <summary>Whether <paramref name="role"/> may use it.</summary>
    public bool Allows(string role) => AllowedRoles.Any(pattern => Matches(pattern, role));

    public static ConnectionConfig Read(ReadOnlyMemory<byte> stored)
    {
        using var document = JsonDocument.Parse(stored, Json.DocumentOptions);
        var root = document.RootElement;
        return new ConnectionConfig
        {
            PluginName = root.GetProperty("plugin_name").GetString()!,
            AllowedRoles = Stored.Texts(root, "allowed_roles"),
            RootRotationStatements = Stored.Texts(root, "root_rotation_statements"),
            PasswordPolicy = root.GetProperty("password_policy").GetString()!,
            VerifyConnection = root.GetProperty("verify_connection").GetBoolean(),
            Password = root.GetProperty("password").GetString()!,
            PendingPassword = root.GetProperty("pending_password").GetString()!,
            Secrets = Stored.Map(root, "secrets"),
            Details = Stored.Map(root, "details"),
            RootSchedule = Stored.Map(root, "root_schedule"),
        };
    }

    /// <summary>The record's plaintext; dispose it.</summary>
    public SecretBytes Write()
    {
        var buffer = new SecretBufferWriter();
        using (var writer = new Utf8JsonWriter(buffer, Json.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("plugin_name", PluginName);
            Stored.Write(writer, "allowed_roles", AllowedRoles);
            Stored.Write(writer, "root_rotation_statements", RootRotationStatements);
            writer.WriteString("password_policy", PasswordPolicy);
            writer.WriteBoolean("verify_connection", VerifyConnection);
            writer.WriteString("password", Password);
            writer.WriteString("pending_password", PendingPassword);
            Stored.Write(writer, "secrets", Secrets);
            Stored.Write(writer, "details", Details);
            Stored.Write(writer, "root_schedule", RootSchedule);
            writer.WriteEndObject();
        }

        return buffer.Detach();
    }

    /// <summary>Says nothing: passwords are in here.</summary>
    public override string ToString() => $"ConnectionConfig({PluginName})";

    private static bool Matches(string pattern, string role)
    {
        if (pattern == "*")
        {
            return true;
        }

        var open = pattern.StartsWith('*');
        var text = pattern.Trim('*');
        return (open, pattern.EndsWith('*')) switch
        {
            (true, true) => role.Contains(text, StringComparison.Ordinal),
            (true, false) => role.EndsWith(text, StringComparison.Ordinal),
            (false, true) => role.StartsWith(text, StringComparison.Ordinal),
            _ => role == pattern,
        };
    }
}
