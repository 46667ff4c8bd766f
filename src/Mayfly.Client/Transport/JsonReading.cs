using System.Globalization;
using System.Text.Json;

namespace Mayfly.Client.Transport;

/// <summary>Members of answers. A member that is absent, null, or of another kind reads as nothing: servers differ in what they send.</summary>
internal static class JsonReading
{
    public static JsonElement Property(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;

    public static string? Text(this JsonElement element, string name) => element.Property(name).AsText();

    public static string? AsText(this JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair: JSON can hold it, text cannot.
            return value.GetRawText();
        }
    }

    public static bool Flag(this JsonElement element, string name) =>
        element.Property(name).ValueKind == JsonValueKind.True;

    public static long Number(this JsonElement element, string name) =>
        element.Property(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number)
            ? number
            : 0;

    /// <summary>Whole seconds; not negative, and no longer than a <see cref="TimeSpan"/> can be.</summary>
    public static TimeSpan Seconds(this JsonElement element, string name) =>
        TimeSpan.FromSeconds(Math.Clamp(element.Number(name), 0, (long)TimeSpan.MaxValue.TotalSeconds - 1));

    /// <summary>An instant in RFC 3339, or null.</summary>
    public static DateTimeOffset? Instant(this JsonElement element, string name) =>
        element.Text(name) is { Length: > 0 } text
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant)
            ? instant
            : null;

    public static IReadOnlyList<string> Texts(this JsonElement element, string name)
    {
        var array = element.Property(name);
        if (array.ValueKind != JsonValueKind.Array)
        {
            return [];
        }

        var texts = new List<string>(array.GetArrayLength());
        foreach (var item in array.EnumerateArray())
        {
            texts.Add(item.AsText() ?? item.GetRawText());
        }

        return texts;
    }

    public static IReadOnlyDictionary<string, string> TextsByName(this JsonElement element, string name)
    {
        var members = new Dictionary<string, string>(StringComparer.Ordinal);
        if (element.Property(name) is { ValueKind: JsonValueKind.Object } value)
        {
            foreach (var member in value.EnumerateObject())
            {
                members[member.Name] = member.Value.AsText() ?? member.Value.GetRawText();
            }
        }

        return members;
    }
}
