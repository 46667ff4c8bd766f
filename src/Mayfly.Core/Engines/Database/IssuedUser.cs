using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary>
/// What a lease says of its user. It is enough to remove the user when the role is gone; while the role is there, what the
/// role says now holds, so that a revocation which fails can be mended. Immutable.
/// </summary>
/// <param name="Username">The user.</param>
/// <param name="RoleName">The role that it was made after.</param>
/// <param name="Role">The role as it was then.</param>
internal sealed record IssuedUser(string Username, string RoleName, Role Role)
{
    public static IssuedUser Read(ReadOnlyMemory<byte> notes)
    {
        using var document = JsonDocument.Parse(notes, Json.DocumentOptions);
        var root = document.RootElement;
        return new IssuedUser(
            root.GetProperty("username").GetString()!,
            root.GetProperty("role").GetString()!,
            new Role
            {
                Database = root.GetProperty("db_name").GetString()!,
                Revocation = Stored.Texts(root, "revocation_statements"),
                Renewal = Stored.Texts(root, "renew_statements"),
                Owned = Enum.Parse<OwnedObjects>(root.GetProperty("owned_objects").GetString()!),
                ReassignTo = root.GetProperty("reassign_to").GetString()!,
                KeepsSessions = root.GetProperty("keeps_sessions").GetBoolean(),
            }
        );
    }

    public byte[] Write()
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Json.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("username", Username);
            writer.WriteString("role", RoleName);
            writer.WriteString("db_name", Role.Database);
            Stored.Write(writer, "revocation_statements", Role.Revocation);
            Stored.Write(writer, "renew_statements", Role.Renewal);
            writer.WriteString("owned_objects", Role.Owned.ToString());
            writer.WriteString("reassign_to", Role.ReassignTo);
            writer.WriteBoolean("keeps_sessions", Role.KeepsSessions);
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    public UserRemoval Removal(Role role) =>
        new(Username, role.Revocation, role.KeepsSessions, role.Owned, role.ReassignTo);
}
