using System.Text.Json;
using Mayfly.Client.Transport;

namespace Mayfly.Client.Kv;

/// <summary>One version of a secret, without its content. Immutable.</summary>
/// <param name="Version">The version.</param>
/// <param name="CreatedTime">When it was written.</param>
/// <param name="DeletionTime">When it was or will be deleted; null when it will not.</param>
/// <param name="IsDestroyed">It is gone for good.</param>
public sealed record KvVersion(int Version, DateTimeOffset? CreatedTime, DateTimeOffset? DeletionTime, bool IsDestroyed)
{
    internal static KvVersion Read(JsonElement metadata, int? version = null) =>
        new(
            version ?? (int)metadata.Number("version"),
            metadata.Instant("created_time"),
            metadata.Instant("deletion_time"),
            metadata.Flag("destroyed")
        );
}
