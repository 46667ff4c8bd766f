using System.Text.Json;
using System.Text.Json.Serialization;
using Mayfly.Crypto;

namespace Mayfly.Core.Engines.RabbitMq;

/// <summary>What a user of a role may do. Immutable.</summary>
internal sealed record Role
{
    /// <summary>RabbitMQ's tags, with commas between them.</summary>
    public string Tags { get; init; } = "";

    /// <summary>By virtual host.</summary>
    public IReadOnlyDictionary<string, Permissions> Vhosts { get; init; } = new Dictionary<string, Permissions>();

    /// <summary>By virtual host, then by exchange.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, TopicPermissions>> VhostTopics { get; init; } =
        new Dictionary<string, IReadOnlyDictionary<string, TopicPermissions>>();
}

/// <summary>Regular expressions of the resources of a virtual host; an empty one stands for none.</summary>
internal sealed record Permissions(string Configure, string Write, string Read);

/// <summary>Regular expressions of the routing keys of a topic exchange; an empty one stands for none.</summary>
internal sealed record TopicPermissions(string Write, string Read);

/// <summary>The stored forms of roles and configurations: JSON, inside an envelope like everything else.</summary>
[JsonSerializable(typeof(Role))]
[JsonSerializable(typeof(ConnectionConfig))]
[JsonSerializable(typeof(LeaseConfig))]
internal sealed partial class RabbitMqJson : JsonSerializerContext
{
    public static T Decode<T>(SecretBytes stored, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(stored.Span, type) ?? throw new JsonException("A record is empty.");
}
