using System.Text.Json;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Auth.Token;

/// <summary>A token's record as look-ups show it.</summary>
internal static class TokenJson
{
    /// <param name="writer">Where to; the object has been begun.</param>
    /// <param name="entry">The record.</param>
    /// <param name="id">The token itself, where the caller showed it; "" for look-ups by accessor.</param>
    /// <param name="now">The moment that the remaining TTL is counted from.</param>
    public static void WriteTo(Utf8JsonWriter writer, TokenEntry entry, string id, DateTimeOffset now)
    {
        writer.WriteString("accessor", entry.Accessor);
        writer.WriteNumber("creation_time", entry.CreatedAt.ToUnixTimeSeconds());
        writer.WriteNumber("creation_ttl", (long)entry.CreationTtl.TotalSeconds);
        writer.WriteString("display_name", entry.DisplayName);
        writer.WriteString("entity_id", entry.EntityId);
        if (entry.ExpiresAt is { } end)
        {
            writer.WriteString("expire_time", GoTime.Format(end));
        }
        else
        {
            writer.WriteNull("expire_time");
        }

        writer.WriteNumber("explicit_max_ttl", (long)entry.ExplicitMaxTtl.TotalSeconds);
        writer.WriteString("id", id);
        writer.WriteString("issue_time", GoTime.Format(entry.CreatedAt));
        if (entry.LastRenewal is { } renewed)
        {
            writer.WriteString("last_renewal", GoTime.Format(renewed));
            writer.WriteNumber("last_renewal_time", renewed.ToUnixTimeSeconds());
        }

        WriteMetadata(writer, "meta", entry.Metadata);
        writer.WriteNumber("num_uses", entry.UsesLeft);
        writer.WriteBoolean("orphan", entry.Parent is null);
        writer.WriteString("path", entry.Path);
        if (entry.Period > TimeSpan.Zero)
        {
            writer.WriteNumber("period", (long)entry.Period.TotalSeconds);
        }

        TokenParameters.WriteStrings(writer, "policies", entry.Policies);
        writer.WriteBoolean("renewable", entry.Renewable);
        if (entry.Role.Length > 0)
        {
            writer.WriteString("role", entry.Role);
        }

        if (entry.BoundCidrs.Count > 0)
        {
            TokenParameters.WriteStrings(writer, "bound_cidrs", entry.BoundCidrs);
        }

        var left = entry.ExpiresAt is { } ends ? Math.Max(0, Math.Ceiling((ends - now).TotalSeconds)) : 0;
        writer.WriteNumber("ttl", (long)left);
        writer.WriteString("type", entry.Type == TokenType.Batch ? "batch" : "service");
    }

    private static void WriteMetadata(Utf8JsonWriter writer, string name, IReadOnlyDictionary<string, string> metadata)
    {
        if (metadata.Count == 0)
        {
            writer.WriteNull(name);
            return;
        }

        writer.WriteStartObject(name);
        foreach (var (key, value) in metadata)
        {
            writer.WriteString(key, value);
        }

        writer.WriteEndObject();
    }
}
