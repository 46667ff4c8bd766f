using System.Text.Json;
using System.Text.Json.Serialization;
using Mayfly.Crypto;

namespace Mayfly.Core.Mounts;

/// <summary>The stored form of a <see cref="MountRecord"/>.</summary>
[JsonSerializable(typeof(MountRecord))]
internal sealed partial class MountCodec : JsonSerializerContext
{
    public static byte[] Encode(MountRecord record) => JsonSerializer.SerializeToUtf8Bytes(record, Default.MountRecord);

    public static MountRecord Decode(SecretBytes stored) =>
        JsonSerializer.Deserialize(stored.Span, Default.MountRecord)
        ?? throw new JsonException("A mount record is empty.");
}

/// <summary>A mount and where it is in its life. Immutable.</summary>
/// <param name="Mount">The mount.</param>
/// <param name="Removing">It has been disabled; what is left of it is being removed.</param>
internal sealed record MountRecord(Mount Mount, bool Removing);
