using System.Runtime.InteropServices;
using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Engines.Kv;

/// <summary>JSON Merge Patch (RFC 7396): members of the patch replace those of the target, null removes.</summary>
internal static class MergePatch
{
    /// <summary>The patched document, the caller's to dispose. Values that the patch does not touch are copied as they are.</summary>
    public static SecretBytes Apply(JsonElement target, JsonElement patch)
    {
        using var buffer = new SecretBufferWriter();
        using (var writer = new Utf8JsonWriter(buffer, Json.WriterOptions))
        {
            Write(writer, target, patch);
        }

        return buffer.Detach();
    }

    private static void Write(Utf8JsonWriter writer, JsonElement? target, JsonElement patch)
    {
        if (patch.ValueKind != JsonValueKind.Object)
        {
            Copy(writer, patch);
            return;
        }

        writer.WriteStartObject();
        var changes = Members(patch);
        if (target is { ValueKind: JsonValueKind.Object } existing)
        {
            foreach (var (name, value) in Members(existing))
            {
                if (!changes.Remove(name, out var change))
                {
                    writer.WritePropertyName(name);
                    Copy(writer, value);
                }
                else if (change.ValueKind != JsonValueKind.Null)
                {
                    writer.WritePropertyName(name);
                    Write(writer, value, change);
                }
            }
        }

        foreach (var (name, value) in changes)
        {
            if (value.ValueKind != JsonValueKind.Null)
            {
                writer.WritePropertyName(name);
                Write(writer, target: null, value);
            }
        }

        writer.WriteEndObject();
    }

    /// <summary>The members by name; of several with one name the last counts, as everywhere else.</summary>
    private static Dictionary<string, JsonElement> Members(JsonElement value)
    {
        var members = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in value.EnumerateObject())
        {
            members[member.Name] = member.Value;
        }

        return members;
    }

    private static void Copy(Utf8JsonWriter writer, JsonElement value) =>
        writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
}
