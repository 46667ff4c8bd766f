using System.Text.Json;
using System.Text.Json.Serialization;
using Mayfly.Crypto;

namespace Mayfly.Core.Identity;

/// <summary>The stored form of a <see cref="TokenEntry"/>: JSON, inside an envelope like everything else.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(TokenEntry))]
internal sealed partial class TokenCodec : JsonSerializerContext
{
    public static byte[] Encode(TokenEntry entry) => JsonSerializer.SerializeToUtf8Bytes(entry, Default.TokenEntry);

    public static TokenEntry Decode(SecretBytes stored) =>
        JsonSerializer.Deserialize(stored.Span, Default.TokenEntry)
        ?? throw new JsonException("A token record is empty.");
}
