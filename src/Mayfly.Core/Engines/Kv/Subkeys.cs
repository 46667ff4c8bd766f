using System.Text.Json;

namespace Mayfly.Core.Engines.Kv;

/// <summary>The shape of a secret without its values.</summary>
internal static class Subkeys
{
    /// <summary>Writes <paramref name="value"/> with null for each leaf.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="value">A JSON object.</param>
    /// <param name="depth">How many levels of names to show; 0 for all.</param>
    public static void Write(Utf8JsonWriter writer, JsonElement value, long depth) =>
        Write(writer, value, depth, level: 1);

    private static void Write(Utf8JsonWriter writer, JsonElement value, long depth, int level)
    {
        writer.WriteStartObject();
        foreach (var member in value.EnumerateObject())
        {
            writer.WritePropertyName(member.Name);
            if (
                member.Value.ValueKind == JsonValueKind.Object
                && (depth <= 0 || level < depth)
                && member.Value.GetPropertyCount() > 0
            )
            {
                Write(writer, member.Value, depth, level + 1);
            }
            else
            {
                writer.WriteNullValue();
            }
        }

        writer.WriteEndObject();
    }
}
