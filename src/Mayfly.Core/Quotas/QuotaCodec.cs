using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Mayfly.Crypto;

namespace Mayfly.Core.Quotas;

/// <summary>The stored form of quotas and their settings: JSON, inside an envelope like everything else.</summary>
[JsonSerializable(typeof(RateLimitQuota))]
[JsonSerializable(typeof(LeaseCountQuota))]
[JsonSerializable(typeof(QuotaConfig))]
internal sealed partial class QuotaCodec : JsonSerializerContext
{
    public static T Decode<T>(SecretBytes stored, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(stored.Span, type) ?? throw new JsonException("A quota's record is empty.");
}
