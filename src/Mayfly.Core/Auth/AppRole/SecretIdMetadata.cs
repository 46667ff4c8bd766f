using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Auth.AppRole;

/// <summary>The field <c>metadata</c> of a secret-id, in the forms in which clients send it.</summary>
internal static class SecretIdMetadata
{
    /// <summary>It is copied into every token, so it has to stay small.</summary>
    private const int MaxCharacters = 16 * 1024;

    /// <summary>
    /// Reads an object of strings, the same as JSON in a string (Vault's own form), or <c>key=value,key=value</c>.
    /// </summary>
    public static (IReadOnlyDictionary<string, string>? Metadata, Fault? Fault) Parse(JsonElement? sent)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!Take(sent, metadata))
        {
            return (
                null,
                Fault.Invalid("failed to parse metadata: expected a JSON object of strings, itself or as a string")
            );
        }

        return metadata.Sum(pair => pair.Key.Length + pair.Value.Length) > MaxCharacters
            ? (null, Fault.Invalid($"metadata is longer than {MaxCharacters} characters"))
            : (metadata, null);
    }

    private static bool Take(JsonElement? sent, Dictionary<string, string> metadata)
    {
        try
        {
            return sent switch
            {
                null => true,
                { ValueKind: JsonValueKind.Object } map => TakeMap(map, metadata),
                { ValueKind: JsonValueKind.String } text => TakeText(text.GetString()!, metadata),
                _ => false,
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or a string in it with half of a surrogate pair.
            return false;
        }
    }

    private static bool TakeText(string text, Dictionary<string, string> metadata)
    {
        text = text.Trim();
        if (text.StartsWith('{'))
        {
            using var document = JsonDocument.Parse(text, Json.DocumentOptions);
            return TakeMap(document.RootElement, metadata);
        }

        foreach (var pair in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = pair.IndexOf('=');
            if (equals <= 0)
            {
                return false;
            }

            metadata[pair[..equals].Trim()] = pair[(equals + 1)..].Trim();
        }

        return true;
    }

    private static bool TakeMap(JsonElement map, Dictionary<string, string> metadata)
    {
        foreach (var member in map.EnumerateObject())
        {
            if (member.Value.ValueKind != JsonValueKind.String)
            {
                return false;
            }

            metadata[member.Name] = member.Value.GetString()!;
        }

        return true;
    }
}
