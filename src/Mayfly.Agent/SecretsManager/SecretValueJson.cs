using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Mayfly.Agent.SecretsManager;

/// <summary>Replies as AWS's agent writes them.</summary>
internal static class SecretValueJson
{
    // The reply is JSON for a program, not part of a page.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// A secret: the field <c>SecretString</c> or <c>SecretBinary</c> when it has only that, otherwise all fields as a JSON text.
    /// </summary>
    public static byte[] Of(string mount, string name, long version, string? stage, JsonElement data)
    {
        var (fields, created) = Parts(data);
        return Write(json =>
        {
            json.WriteString("ARN"u8, SecretName.Arn(name));
            json.WriteString("Name"u8, name);
            json.WriteString("VersionId"u8, SecretName.VersionId(mount, name, version));
            var only = fields.EnumerateObject().ToArray() is [var single] ? single : default;
            if (only.Value.ValueKind == JsonValueKind.String && only.Name is "SecretString" or "SecretBinary")
            {
                json.WriteString(only.Name, only.Value.GetString());
            }
            else
            {
                json.WriteString("SecretString"u8, fields.GetRawText());
            }

            if (stage is not null)
            {
                json.WriteStartArray("VersionStages"u8);
                json.WriteStringValue(stage);
                json.WriteEndArray();
            }

            if (created is { } time)
            {
                var seconds = (time - DateTimeOffset.UnixEpoch).TotalSeconds;
                json.WriteString("CreatedDate"u8, seconds.ToString("0.###", CultureInfo.InvariantCulture));
            }
        });
    }

    /// <summary>A failure.</summary>
    public static byte[] Error(string type, string message) =>
        Write(json =>
        {
            json.WriteString("__type"u8, type);
            json.WriteString("message"u8, message);
        });

    /// <summary>Fields and time of a versioned secret, or of one without versions.</summary>
    private static (JsonElement Fields, DateTimeOffset? Created) Parts(JsonElement data) =>
        data.TryGetProperty("data", out var fields)
        && fields.ValueKind == JsonValueKind.Object
        && data.TryGetProperty("metadata", out var metadata)
        && metadata.ValueKind == JsonValueKind.Object
            ? (
                fields,
                metadata.TryGetProperty("created_time", out var time)
                && time.ValueKind == JsonValueKind.String
                && time.TryGetDateTimeOffset(out var created)
                    ? created
                    : null
            )
            : (data, null);

    private static byte[] Write(Action<Utf8JsonWriter> members)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }
}
