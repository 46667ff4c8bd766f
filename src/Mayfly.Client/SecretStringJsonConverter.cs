using System.Text.Json;
using System.Text.Json.Serialization;
using Mayfly.Client.Redaction;

namespace Mayfly.Client;

/// <summary>Reads a secret from a JSON string, and writes <see cref="Redactor.Mask"/>.</summary>
internal sealed class SecretStringJsonConverter : JsonConverter<SecretString>
{
    public override SecretString? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String
            ? new SecretString(reader.GetString()!)
            : throw new JsonException("A secret is a JSON string.");

    public override void Write(Utf8JsonWriter writer, SecretString value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Redactor.Mask);
}
