using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Engines.Database;

/// <summary>A user that is there already and whose password is rotated, or two in turn: the record behind <c>static-roles/NAME</c>. Immutable.</summary>
internal sealed record StaticRole
{
    /// <summary>The configuration that it uses.</summary>
    public required string Database { get; init; }

    /// <summary>One user, or the two that take turns.</summary>
    public required IReadOnlyList<string> Users { get; init; }

    public IReadOnlyList<string> RotationStatements { get; init; } = [];

    public IReadOnlyDictionary<string, string> CredentialConfig { get; init; } = Role.NoConfig;

    public RotationTerms Terms { get; init; } = new();

    /// <summary>What readers get; null until the first rotation.</summary>
    public StaticCredential? Current { get; init; }

    /// <summary>What a rotation that is under way has made.</summary>
    public StaticCredential? Next { get; init; }

    /// <summary>What readers got before; with two users it may still be valid.</summary>
    public StaticCredential? Previous { get; init; }

    /// <summary>The user whose password is changed next.</summary>
    public string NextUser =>
        Current is { } current ? Users.FirstOrDefault(user => user != current.User, Users[0]) : Users[0];

    public string? PolicyOver(ConnectionConfig config) => Role.Policy(CredentialConfig, config);

    public static StaticRole Read(ReadOnlyMemory<byte> stored)
    {
        using var document = JsonDocument.Parse(stored, Json.DocumentOptions);
        var root = document.RootElement;
        return new StaticRole
        {
            Database = root.GetProperty("db_name").GetString()!,
            Users = Stored.Texts(root, "users"),
            RotationStatements = Stored.Texts(root, "rotation_statements"),
            CredentialConfig = Stored.Map(root, "credential_config"),
            Terms = StaticRoleTerms.Read(root.GetProperty("terms")),
            Current = StaticCredential.Read(root, "current"),
            Next = StaticCredential.Read(root, "next"),
            Previous = StaticCredential.Read(root, "previous"),
        };
    }

    /// <summary>The record's plaintext; dispose it.</summary>
    public SecretBytes Write()
    {
        var buffer = new SecretBufferWriter();
        using (var writer = new Utf8JsonWriter(buffer, Json.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("db_name", Database);
            Stored.Write(writer, "users", Users);
            Stored.Write(writer, "rotation_statements", RotationStatements);
            Stored.Write(writer, "credential_config", CredentialConfig);
            StaticRoleTerms.Write(writer, "terms", Terms);
            Current?.Write(writer, "current");
            Next?.Write(writer, "next");
            Previous?.Write(writer, "previous");
            writer.WriteEndObject();
        }

        return buffer.Detach();
    }

    /// <summary>Says nothing: passwords are in here.</summary>
    public override string ToString() => $"StaticRole({Users[0]})";
}

/// <summary>A user's password. Immutable.</summary>
/// <param name="User">Whose.</param>
/// <param name="Password">The password.</param>
/// <param name="Version">The rotation that made it; "" when it was brought along.</param>
internal sealed record StaticCredential(string User, string Password, string Version)
{
    public static StaticCredential? Read(JsonElement root, string name) =>
        root.TryGetProperty(name, out var stored)
            ? new StaticCredential(
                stored.GetProperty("user").GetString()!,
                stored.GetProperty("password").GetString()!,
                stored.GetProperty("version").GetString()!
            )
            : null;

    public void Write(Utf8JsonWriter writer, string name)
    {
        writer.WriteStartObject(name);
        writer.WriteString("user", User);
        writer.WriteString("password", Password);
        writer.WriteString("version", Version);
        writer.WriteEndObject();
    }

    /// <summary>Says nothing of the password.</summary>
    public override string ToString() => $"StaticCredential({User})";
}
