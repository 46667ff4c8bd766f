using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mayfly.Core.Audit;

/// <summary>A device as the operator enabled it: what is stored. Immutable.</summary>
internal sealed record AuditDeviceRecord
{
    /// <summary>Names the device's key and its chain; a device that is disabled and enabled again has another.</summary>
    public required string Uuid { get; init; }

    /// <summary>Ends with a slash: <c>file/</c>.</summary>
    public required string Path { get; init; }

    public required string Type { get; init; }

    public string Description { get; init; } = "";

    public bool Local { get; init; }

    public IReadOnlyDictionary<string, string> Options { get; init; } =
        new Dictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>Where a chain stood. Immutable.</summary>
/// <param name="Sequence">Number of its last line; 0 when there is none.</param>
/// <param name="Hash">That line's hash in hexadecimal.</param>
internal sealed record ChainPosition(long Sequence, string Hash)
{
    public static ChainPosition None { get; } = new(0, new string('0', 64));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AuditDeviceRecord))]
[JsonSerializable(typeof(ChainPosition))]
[JsonSerializable(typeof(Dictionary<string, bool>))]
internal sealed partial class AuditJson : JsonSerializerContext;
