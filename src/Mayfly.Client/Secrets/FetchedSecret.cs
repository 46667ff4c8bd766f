using System.Buffers;
using System.Text.Json;

namespace Mayfly.Client.Secrets;

/// <summary>What one read of a source gave. Immutable. Holds a secret, and its <see cref="ToString"/> does not tell it.</summary>
public sealed class FetchedSecret
{
    /// <summary>A secret with these fields.</summary>
    /// <param name="fields">A JSON object that stays valid: one of <see cref="JsonElement.Parse(ReadOnlySpan{byte}, JsonDocumentOptions)"/>, or a clone.</param>
    /// <exception cref="ArgumentException">It is not an object.</exception>
    public FetchedSecret(JsonElement fields)
    {
        if (fields.ValueKind != JsonValueKind.Object)
        {
            throw new ArgumentException("the fields of a secret are a JSON object", nameof(fields));
        }

        Fields = fields;
        Reply = fields;
    }

    /// <summary>The secret's fields, a JSON object.</summary>
    public JsonElement Fields { get; }

    /// <summary>
    /// All that the source said, where that is more than the fields: the <c>data</c> of a KV v2 read, with <c>metadata</c>.
    /// </summary>
    public JsonElement Reply { get; init; }

    /// <summary>The source's name for this version; null where it has none.</summary>
    public string? Version { get; init; }

    /// <summary><see cref="Version"/> as a number that grows; null where it is none.</summary>
    public long? VersionNumber { get; init; }

    /// <summary>How long the source says that the value is good for; null when it does not say.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>The lease that the secret lives by; null for one that is simply stored.</summary>
    public SecretLease? Lease { get; init; }

    /// <summary>Fields that differ from read to read while the secret is the same, such as a time to live that counts down.</summary>
    public IReadOnlyCollection<string> Unsteady { get; init; } = [];

    /// <summary>A secret with fields that are text.</summary>
    /// <param name="fields">Names and values.</param>
    public static FetchedSecret Of(IEnumerable<KeyValuePair<string, string>> fields)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in fields)
            {
                writer.WriteString(name, value);
            }

            writer.WriteEndObject();
        }

        return new FetchedSecret(JsonElement.Parse(json.WrittenSpan));
    }

    /// <summary>A secret that is one text: it becomes the field <c>value</c>.</summary>
    /// <param name="value">The text.</param>
    public static FetchedSecret Of(string value) => Of([new("value", value)]);

    /// <summary>A secret that is written as text: a JSON object is its fields, any other text the field <c>value</c>.</summary>
    /// <param name="text">The text.</param>
    public static FetchedSecret Parse(string text)
    {
        if (text.AsSpan().TrimStart().StartsWith('{'))
        {
            try
            {
                return new FetchedSecret(JsonElement.Parse(text));
            }
            catch (JsonException)
            {
                // A text like any other, that happens to begin with a brace.
            }
        }

        return Of(text);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{nameof(FetchedSecret)} {{ Version = {Version} }}";
}
