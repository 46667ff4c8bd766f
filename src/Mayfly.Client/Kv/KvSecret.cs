using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Mayfly.Client.Transport;

namespace Mayfly.Client.Kv;

/// <summary>What a secret of a key-value engine holds. Immutable; its text tells no value.</summary>
public sealed class KvSecret
{
    private readonly JsonElement _data;

    internal KvSecret(JsonElement data, JsonElement metadata)
    {
        _data = data;
        Version = metadata.ValueKind == JsonValueKind.Object ? KvVersion.Read(metadata) : null;
        CustomMetadata = metadata.TextsByName("custom_metadata");
        Fields = data.ValueKind == JsonValueKind.Object ? Read(data) : [];
    }

    /// <summary>The fields. One that is no string is its JSON.</summary>
    public IReadOnlyDictionary<string, SecretString> Fields { get; }

    /// <summary>The version; null from version 1 of the engine, which has none.</summary>
    public KvVersion? Version { get; }

    /// <summary>What was noted of the secret.</summary>
    public IReadOnlyDictionary<string, string> CustomMetadata { get; }

    /// <summary>A field.</summary>
    /// <param name="field">Its name.</param>
    /// <exception cref="KeyNotFoundException">There is no such field; names it.</exception>
    public SecretString this[string field] =>
        Fields.TryGetValue(field, out var value)
            ? value
            : throw new KeyNotFoundException($"The secret has no field \"{field}\".");

    /// <summary>The fields as an object of the caller's own.</summary>
    /// <param name="type">From a <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <exception cref="JsonException">They do not fit it.</exception>
    public T? Read<T>(JsonTypeInfo<T> type) => _data.Deserialize(type);

    /// <summary>The version and the names of the fields.</summary>
    public override string ToString() =>
        $"{nameof(KvSecret)} {{ Version = {Version?.Version}, Fields = {string.Join(',', Fields.Keys)} }}";

    private static Dictionary<string, SecretString> Read(JsonElement data)
    {
        var fields = new Dictionary<string, SecretString>(StringComparer.Ordinal);
        foreach (var member in data.EnumerateObject())
        {
            fields[member.Name] = new SecretString(member.Value.AsText() ?? member.Value.GetRawText());
        }

        return fields;
    }
}
