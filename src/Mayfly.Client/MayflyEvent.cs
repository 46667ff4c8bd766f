using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Mayfly.Client;

/// <summary>Something that has changed on the server. It says what and where, and never holds a secret value. Immutable.</summary>
public sealed class MayflyEvent
{
    /// <summary>The type of the notice that events may be missing before it.</summary>
    public const string LostType = "mayfly/lost";

    private static readonly Dictionary<string, string> NoMetadata = [];

    private MayflyEvent(string id, string type, IReadOnlyDictionary<string, string> metadata, ReadOnlyMemory<byte> json)
    {
        Id = id;
        Type = type;
        Metadata = metadata;
        Json = json;
    }

    /// <summary>Names the event.</summary>
    public string Id { get; }

    /// <summary>Such as <c>kv-v2/data-write</c>.</summary>
    public string Type { get; }

    /// <summary>What else the event says, by name.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The whole event as it came: one JSON object on one line, as CloudEvents lays it out.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>The path of the API where the change was made, or "".</summary>
    public string Path => Metadata.GetValueOrDefault("path", "");

    /// <summary>The path of the API where what has changed can be read, or "".</summary>
    public string DataPath => Metadata.GetValueOrDefault("data_path", "");

    /// <summary>The version that is current after the change, or null where there are no versions.</summary>
    public long? Version =>
        long.TryParse(
            Metadata.GetValueOrDefault("current_version"),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var version
        )
            ? version
            : null;

    /// <summary>Events may be missing before this one: read again what you depend on.</summary>
    public bool IsLost => Type == LostType;

    /// <summary>The notice that the connection has ended, and another one is tried.</summary>
    internal static MayflyEvent Interrupted { get; } = new("", "mayfly/interrupted", NoMetadata, default);

    /// <summary>The notice that there is a connection again, on which the server goes on after the last event.</summary>
    internal static MayflyEvent Resumed { get; } = new("", "mayfly/resumed", NoMetadata, default);

    /// <summary>The notice that this client may have missed something while it was not connected.</summary>
    internal static MayflyEvent Lost() =>
        new(
            "",
            LostType,
            NoMetadata,
            """{"specversion":"1.0","type":"*","data":{"event":{"metadata":{"operation":"lost"}},"event_type":"mayfly/lost"}}"""u8.ToArray()
        );

    /// <summary>An event from its JSON, or null when that is none.</summary>
    internal static MayflyEvent? Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (Member(Member(root, "data"), "event_type") is not { ValueKind: JsonValueKind.String } type)
            {
                return null;
            }

            var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
            if (
                Member(Member(Member(root, "data"), "event"), "metadata") is { ValueKind: JsonValueKind.Object } members
            )
            {
                foreach (var member in members.EnumerateObject())
                {
                    metadata[member.Name] =
                        member.Value.ValueKind == JsonValueKind.String
                            ? member.Value.GetString()!
                            : member.Value.GetRawText();
                }
            }

            var id = Member(root, "id") is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "";
            return new MayflyEvent(id, type.GetString()!, metadata, json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Encoding.UTF8.GetString(Json.Span);

    private static JsonElement Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;
}
