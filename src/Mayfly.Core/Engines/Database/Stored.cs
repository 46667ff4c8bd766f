using System.Text.Json;

namespace Mayfly.Core.Engines.Database;

/// <summary>Lists of text in the engine's records.</summary>
internal static class Stored
{
    public static IReadOnlyList<string> Texts(JsonElement root, string name) =>
        [.. root.GetProperty(name).EnumerateArray().Select(item => item.GetString()!)];

    public static void Write(Utf8JsonWriter writer, string name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }
}
