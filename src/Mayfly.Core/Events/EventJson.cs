using System.Buffers;
using System.Text.Json;
using Mayfly.Core.Engines;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Events;

/// <summary>Writes events as Vault does: CloudEvents 1.0, all metadata as strings.</summary>
internal static class EventJson
{
    /// <summary>The type of the notice that events were lost.</summary>
    public const string LostType = "mayfly/lost";

    public static ReadOnlyMemory<byte> Of(
        string id,
        string source,
        string type,
        string operation,
        Mount mount,
        string path,
        string dataPath,
        DateTimeOffset time,
        ReadOnlySpan<(string Name, string Value)> more
    )
    {
        var buffer = new ArrayBufferWriter<byte>(768);
        using (var json = new Utf8JsonWriter(buffer, Json.WriterOptions))
        {
            Begin(json, id, source);
            foreach (var (name, value) in more)
            {
                json.WriteString(name, value);
            }

            json.WriteString("data_path"u8, dataPath);
            json.WriteString("modified"u8, "true"u8);
            json.WriteString("operation"u8, operation);
            json.WriteString("path"u8, path);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteString("event_type"u8, type);
            var isAuth = mount.Kind == EngineKind.Auth;
            json.WriteStartObject("plugin_info"u8);
            json.WriteString("mount_class"u8, isAuth ? "auth"u8 : "secret"u8);
            json.WriteString("mount_accessor"u8, mount.Accessor);
            json.WriteString("mount_path"u8, mount.Path);
            json.WriteString("plugin"u8, mount.Type);
            json.WriteEndObject();
            End(json, time);
        }

        return buffer.WrittenMemory;
    }

    /// <summary>What a subscriber is told that has missed something, for whatever reason.</summary>
    public static ReadOnlyMemory<byte> Lost(string source, DateTimeOffset time)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Json.WriterOptions))
        {
            Begin(json, Guid.NewGuid().ToString(), source);
            json.WriteString("operation"u8, "lost"u8);
            json.WriteString("reason"u8, "events may be missing before this point: read again what you depend on"u8);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteString("event_type"u8, LostType);
            End(json, time);
        }

        return buffer.WrittenMemory;
    }

    private static void Begin(Utf8JsonWriter json, string id, string source)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, id);
        json.WriteString("source"u8, source);
        json.WriteString("specversion"u8, "1.0"u8);
        json.WriteString("type"u8, "*"u8);
        json.WriteStartObject("data"u8);
        json.WriteStartObject("event"u8);
        json.WriteString("id"u8, id);
        json.WriteStartObject("metadata"u8);
    }

    private static void End(Utf8JsonWriter json, DateTimeOffset time)
    {
        json.WriteEndObject();
        json.WriteString("datacontentype"u8, "application/cloudevents"u8);
        json.WriteString("time"u8, GoTime.Format(time));
        json.WriteEndObject();
    }
}
