using System.Text.Json;
using System.Text.Json.Serialization;
using Mayfly.Crypto;

namespace Mayfly.Core.Leases;

/// <summary>The stored form of a <see cref="LeaseEntry"/>: JSON, inside an envelope like everything else.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(LeaseEntry))]
internal sealed partial class LeaseCodec : JsonSerializerContext
{
    public static byte[] Encode(LeaseEntry entry) => JsonSerializer.SerializeToUtf8Bytes(entry, Default.LeaseEntry);

    public static LeaseEntry Decode(SecretBytes stored) =>
        JsonSerializer.Deserialize(stored.Span, Default.LeaseEntry)
        ?? throw new JsonException("A lease record is empty.");
}
