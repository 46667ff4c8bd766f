using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Engines.Database;

/// <summary>A role, after which users are made: the record behind <c>roles/NAME</c>. Immutable.</summary>
internal sealed record Role
{
    public static readonly IReadOnlyDictionary<string, string> NoConfig = new Dictionary<string, string>(
        StringComparer.Ordinal
    );

    /// <summary>The configuration that it uses.</summary>
    public required string Database { get; init; }

    public IReadOnlyList<string> Creation { get; init; } = [];

    public IReadOnlyList<string> Revocation { get; init; } = [];

    public IReadOnlyList<string> Rollback { get; init; } = [];

    public IReadOnlyList<string> Renewal { get; init; } = [];

    public TimeSpan DefaultTtl { get; init; }

    public TimeSpan MaxTtl { get; init; }

    /// <summary>Settings of the credential: <c>password_policy</c>.</summary>
    public IReadOnlyDictionary<string, string> CredentialConfig { get; init; } = NoConfig;

    public OwnedObjects Owned { get; init; } = OwnedObjects.Reassign;

    /// <summary>Who gets what a user owned; empty for the user of the connection.</summary>
    public string ReassignTo { get; init; } = "";

    public bool KeepsSessions { get; init; }

    /// <summary>The policy that passwords are made by: the role's own, else the configuration's, else null.</summary>
    public string? PolicyOver(ConnectionConfig config) => Policy(CredentialConfig, config);

    /// <inheritdoc cref="PolicyOver"/>
    public static string? Policy(IReadOnlyDictionary<string, string> own, ConnectionConfig config) =>
        own.GetValueOrDefault("password_policy", "") is { Length: > 0 } policy ? policy
        : config.PasswordPolicy.Length > 0 ? config.PasswordPolicy
        : null;

    public static Role Read(ReadOnlyMemory<byte> stored)
    {
        using var document = JsonDocument.Parse(stored, Json.DocumentOptions);
        var root = document.RootElement;
        return new Role
        {
            Database = root.GetProperty("db_name").GetString()!,
            Creation = Stored.Texts(root, "creation_statements"),
            Revocation = Stored.Texts(root, "revocation_statements"),
            Rollback = Stored.Texts(root, "rollback_statements"),
            Renewal = Stored.Texts(root, "renew_statements"),
            DefaultTtl = TimeSpan.FromSeconds(root.GetProperty("default_ttl").GetInt64()),
            MaxTtl = TimeSpan.FromSeconds(root.GetProperty("max_ttl").GetInt64()),
            CredentialConfig = root.TryGetProperty("credential_config", out _)
                ? Stored.Map(root, "credential_config")
                : NoConfig,
            Owned = Enum.Parse<OwnedObjects>(root.GetProperty("owned_objects").GetString()!, ignoreCase: true),
            ReassignTo = root.GetProperty("reassign_to").GetString()!,
            KeepsSessions = root.GetProperty("revocation_keeps_sessions").GetBoolean(),
        };
    }

    /// <summary>The record's plaintext; dispose it.</summary>
    public SecretBytes Write()
    {
        var buffer = new SecretBufferWriter();
        using (var writer = new Utf8JsonWriter(buffer, Json.WriterOptions))
        {
            writer.WriteStartObject();
            WriteShown(writer);
            writer.WriteEndObject();
        }

        return buffer.Detach();
    }

    /// <summary>What a read of the role shows, which is all of it.</summary>
    public void WriteShown(Utf8JsonWriter writer)
    {
        writer.WriteString("db_name", Database);
        Stored.Write(writer, "creation_statements", Creation);
        Stored.Write(writer, "revocation_statements", Revocation);
        Stored.Write(writer, "rollback_statements", Rollback);
        Stored.Write(writer, "renew_statements", Renewal);
        writer.WriteNumber("default_ttl", (long)DefaultTtl.TotalSeconds);
        writer.WriteNumber("max_ttl", (long)MaxTtl.TotalSeconds);
        writer.WriteString("credential_type", "password");
        if (CredentialConfig.Count > 0)
        {
            Stored.Write(writer, "credential_config", CredentialConfig);
        }

        writer.WriteString("owned_objects", Owned.ToString().ToLowerInvariant());
        writer.WriteString("reassign_to", ReassignTo);
        writer.WriteBoolean("revocation_keeps_sessions", KeepsSessions);
    }
}
