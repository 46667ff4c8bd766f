using System.Buffers.Text;
using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Engines.Kv;

/// <summary>Lays out the answers of the versioned engine: members in the order in which Vault writes them.</summary>
internal static class KvReply
{
    private const int MetadataRoom = 192;

    /// <summary>The read of a version: its value as stored, copied once, or null and 404 when it is deleted or destroyed.</summary>
    public static Outcome Read(StoredKey key, long number, VersionState state, ReadOnlySpan<byte> value)
    {
        var custom = key.CustomMetadata;
        var bytes = SecretBytes.Rent(value.Length + custom.Length + MetadataRoom);
        var reply = new ReplyWriter(bytes.Span);
        reply.Write("{\"data\":"u8);
        reply.Write(value.IsEmpty ? "null"u8 : value);
        reply.Write(",\"metadata\":{\"created_time\":\""u8);
        reply.WriteTime(state.Created);
        reply.Write("\",\"custom_metadata\":"u8);
        reply.Write(custom.IsEmpty ? "null"u8 : custom);
        reply.Write(",\"deletion_time\":\""u8);
        reply.WriteTime(state.Deletion);
        reply.Write("\",\"destroyed\":"u8);
        reply.Write(state.Destroyed ? "true"u8 : "false"u8);
        reply.Write(",\"version\":"u8);
        reply.WriteNumber(number);
        reply.Write("}}"u8);
        var response = new Response(bytes.Memory[..reply.Length], bytes);
        return value.IsEmpty ? Fault.NotFound() with { Body = response } : response;
    }

    /// <summary>The answer to a write: the metadata of one version.</summary>
    public static Response Version(KeyMetadata key, long number, VersionState state) =>
        Response.Object(writer => WriteVersion(writer, key.CustomMetadata, number, state));

    public static void WriteVersion(
        Utf8JsonWriter writer,
        ReadOnlySpan<byte> customMetadata,
        long number,
        VersionState state
    )
    {
        writer.WriteString("created_time"u8, GoText.Time(state.Created));
        WriteCustom(writer, customMetadata);
        writer.WriteString("deletion_time"u8, GoText.Time(state.Deletion));
        writer.WriteBoolean("destroyed"u8, state.Destroyed);
        writer.WriteNumber("version"u8, number);
    }

    /// <summary>The members of a key's metadata.</summary>
    public static void WriteKey(Utf8JsonWriter writer, KeyMetadata key, KvConfig config)
    {
        writer.WriteBoolean("cas_required"u8, key.CasRequired);
        writer.WriteString("created_time"u8, GoText.Time(key.Created));
        writer.WriteNumber("current_metadata_version"u8, key.MetadataVersion);
        writer.WriteNumber("current_version"u8, key.CurrentVersion);
        WriteCustom(writer, key.CustomMetadata);
        writer.WriteString("delete_version_after"u8, GoText.Duration(key.DeleteAfter));
        // The fields around are what was set here; this is what comes of it together with the engine's settings.
        writer.WriteStartObject("effective"u8);
        writer.WriteBoolean("cas_required"u8, key.CasRequired || config.CasRequired);
        writer.WriteString("delete_version_after"u8, GoText.Duration(key.EffectiveDeleteAfter(config)));
        writer.WriteNumber("max_versions"u8, key.EffectiveMaxVersions(config));
        writer.WriteEndObject();
        writer.WriteNumber("max_versions"u8, key.MaxVersions);
        writer.WriteBoolean("metadata_cas_required"u8, key.MetadataCasRequired);
        writer.WriteNumber("oldest_version"u8, key.OldestVersion);
        writer.WriteString("updated_time"u8, GoText.Time(key.Updated));
        writer.WriteStartObject("versions"u8);
        for (var i = 0; i < key.Versions.Count; i++)
        {
            var state = key.Versions[i];
            writer.WriteStartObject((key.FirstKept + i).ToString(System.Globalization.CultureInfo.InvariantCulture));
            writer.WriteString("created_time"u8, GoText.Time(state.Created));
            writer.WriteString("deletion_time"u8, GoText.Time(state.Deletion));
            writer.WriteBoolean("destroyed"u8, state.Destroyed);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteCustom(Utf8JsonWriter writer, ReadOnlySpan<byte> customMetadata)
    {
        writer.WritePropertyName("custom_metadata"u8);
        writer.WriteRawValue(customMetadata.IsEmpty ? "null"u8 : customMetadata, skipInputValidation: true);
    }

    private ref struct ReplyWriter(Span<byte> to)
    {
        private readonly Span<byte> _to = to;

        public int Length { get; private set; }

        public void Write(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(_to[Length..]);
            Length += bytes.Length;
        }

        public void WriteTime(long ticks) => Length += GoText.WriteTime(ticks, _to[Length..]);

        public void WriteNumber(long number)
        {
            Utf8Formatter.TryFormat(number, _to[Length..], out var written);
            Length += written;
        }
    }
}
