using System.Text.Json;

namespace Mayfly.Core.Engines.Database;

/// <summary>Lists and maps of text in the engine's records.</summary>
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

    public static IReadOnlyDictionary<string, string> Map(JsonElement root, string name) =>
        root.TryGetProperty(name, out var map)
            ? map.EnumerateObject()
                .ToDictionary(member => member.Name, member => member.Value.GetString()!, StringComparer.Ordinal)
            : Role.NoConfig;

    public static void Write(Utf8JsonWriter writer, string name, IReadOnlyDictionary<string, string> map)
    {
        writer.WriteStartObject(name);
        foreach (var (key, value) in map)
        {
            writer.WriteString(key, value);
        }

        writer.WriteEndObject();
    }
}
