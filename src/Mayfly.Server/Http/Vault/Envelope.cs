using System.Buffers;
using System.Text;
using System.Text.Json;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Server.Http.Vault;

/// <summary>Writes the body of a reply: Vault's envelope around data that is JSON already, and is only copied.</summary>
internal static class Envelope
{
    private static ReadOnlySpan<byte> BeforeId => "{\"request_id\":\""u8;

    private static ReadOnlySpan<byte> BeforeDuration =>
        "\",\"lease_id\":\"\",\"renewable\":false,\"lease_duration\":"u8;

    private static ReadOnlySpan<byte> BeforeData => ",\"data\":"u8;

    private static ReadOnlySpan<byte> AfterData =>
        ",\"wrap_info\":null,\"warnings\":null,\"auth\":null,\"mount_type\":\""u8;

    private static ReadOnlySpan<byte> End => "\"}\n"u8;

    /// <summary>Whether <see cref="WritePlain"/> can write this response: only data, in the envelope.</summary>
    public static bool IsPlain(Response response) =>
        response is { Shape: ResponseShape.Envelope, Auth: null, WrapInfo: null, Warnings.Count: 0, ContentType: null }
        && response.LeaseDuration == TimeSpan.Zero
        && response.LeaseId.Length == 0
        && !response.Data.IsEmpty;

    /// <summary>How many bytes <see cref="WritePlain"/> writes.</summary>
    public static int PlainLength(string id, Response response) =>
        BeforeId.Length
        + id.Length
        + BeforeDuration.Length
        + 1
        + BeforeData.Length
        + response.Data.Length
        + AfterData.Length
        + response.MountType.Length
        + End.Length;

    /// <summary>The common case, without a JSON writer. Ids and mount types are ASCII that needs no escaping.</summary>
    public static void WritePlain(Span<byte> target, string id, Response response)
    {
        Append(ref target, BeforeId);
        Append(ref target, id);
        Append(ref target, BeforeDuration);
        Append(ref target, "0"u8);
        Append(ref target, BeforeData);
        Append(ref target, response.Data.Span);
        Append(ref target, AfterData);
        Append(ref target, response.MountType);
        Append(ref target, End);
    }

    /// <summary>Any response.</summary>
    public static void Write(SecretBufferWriter target, string id, Response response, Fault? fault)
    {
        var data = response.WrapInfo is null ? response.Data.Span : default;
        if (response.Shape == ResponseShape.Bare && response.WrapInfo is null)
        {
            target.Write(data.IsEmpty ? "{}"u8 : data);
            target.Write("\n"u8);
            return;
        }

        using var json = new Utf8JsonWriter(target, Json.WriterOptions);
        json.WriteStartObject();
        json.WriteString("request_id"u8, id);
        json.WriteString("lease_id"u8, response.LeaseId);
        json.WriteBoolean("renewable"u8, response.Renewable);
        json.WriteNumber("lease_duration"u8, (long)response.LeaseDuration.TotalSeconds);
        json.WritePropertyName("data"u8);
        if (data.IsEmpty)
        {
            json.WriteNullValue();
        }
        else
        {
            json.WriteRawValue(data, skipInputValidation: true);
        }

        WriteWrapInfo(json, response.WrapInfo);
        WriteWarnings(json, response.Warnings);
        WriteAuth(json, response.WrapInfo is null ? response.Auth : null);
        json.WriteString("mount_type"u8, response.MountType);
        if (fault is { Messages.Count: > 0 })
        {
            WriteErrors(json, fault);
        }

        if (response.Shape == ResponseShape.EnvelopeAndTop && !data.IsEmpty)
        {
            WriteMembersOnce(json, data);
        }

        json.WriteEndObject();
        json.Flush();
        target.Write("\n"u8);
    }

    /// <summary>The body of a failure: <c>{"errors":[…]}</c>.</summary>
    public static void WriteErrors(SecretBufferWriter target, Fault fault)
    {
        using var json = new Utf8JsonWriter(target, Json.WriterOptions);
        json.WriteStartObject();
        WriteErrors(json, fault);
        json.WriteEndObject();
        json.Flush();
        target.Write("\n"u8);
    }

    private static void WriteErrors(Utf8JsonWriter json, Fault fault)
    {
        json.WriteStartArray("errors"u8);
        foreach (var message in fault.Messages)
        {
            json.WriteStringValue(FaultStatus.Text(fault.Kind, message));
        }

        json.WriteEndArray();
    }

    private static void WriteWrapInfo(Utf8JsonWriter json, WrapInfo? wrap)
    {
        if (wrap is null)
        {
            json.WriteNull("wrap_info"u8);
            return;
        }

        json.WriteStartObject("wrap_info"u8);
        json.WriteString("token"u8, wrap.Token);
        json.WriteString("accessor"u8, wrap.Accessor);
        json.WriteNumber("ttl"u8, (long)wrap.Ttl.TotalSeconds);
        json.WriteString("creation_time"u8, GoTime.Format(wrap.CreationTime));
        json.WriteString("creation_path"u8, wrap.CreationPath);
        if (wrap.WrappedAccessor is { Length: > 0 } accessor)
        {
            json.WriteString("wrapped_accessor"u8, accessor);
        }

        json.WriteEndObject();
    }

    private static void WriteWarnings(Utf8JsonWriter json, List<string> warnings)
    {
        if (warnings.Count == 0)
        {
            json.WriteNull("warnings"u8);
            return;
        }

        WriteStrings(json, "warnings"u8, warnings);
    }

    private static void WriteAuth(Utf8JsonWriter json, IssuedToken? issued)
    {
        if (issued is null)
        {
            json.WriteNull("auth"u8);
            return;
        }

        var entry = issued.Entry;
        json.WriteStartObject("auth"u8);
        json.WriteString("client_token"u8, issued.Token);
        json.WriteString("accessor"u8, entry.Accessor);
        WriteStrings(json, "policies"u8, entry.Policies);
        WriteStrings(json, "token_policies"u8, entry.Policies);
        if (entry.Metadata.Count == 0)
        {
            json.WriteNull("metadata"u8);
        }
        else
        {
            json.WriteStartObject("metadata"u8);
            foreach (var (key, value) in entry.Metadata)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }

        json.WriteNumber("lease_duration"u8, (long)issued.Ttl.TotalSeconds);
        json.WriteBoolean("renewable"u8, entry.Renewable);
        json.WriteString("entity_id"u8, entry.EntityId);
        json.WriteString("token_type"u8, entry.Type == TokenType.Batch ? "batch"u8 : "service"u8);
        json.WriteBoolean("orphan"u8, entry.Parent is null);
        json.WriteNull("mfa_requirement"u8);
        json.WriteNumber("num_uses"u8, entry.UsesLeft);
        json.WriteEndObject();
    }

    private static void WriteStrings(Utf8JsonWriter json, ReadOnlySpan<byte> name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    /// <summary>Repeats the members of <paramref name="data"/>, except those whose name the envelope itself uses.</summary>
    private static void WriteMembersOnce(Utf8JsonWriter json, ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data, Json.ReaderOptions);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (!IsEnvelopeMember(name))
            {
                json.WritePropertyName(name);
                json.WriteRawValue(data[start..(int)reader.BytesConsumed], skipInputValidation: true);
            }
        }
    }

    private static bool IsEnvelopeMember(string name) =>
        name
            is "request_id"
                or "lease_id"
                or "renewable"
                or "lease_duration"
                or "data"
                or "wrap_info"
                or "warnings"
                or "auth"
                or "mount_type"
                or "errors";

    private static void Append(ref Span<byte> target, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(target);
        target = target[bytes.Length..];
    }

    private static void Append(ref Span<byte> target, string ascii) =>
        target = target[Encoding.ASCII.GetBytes(ascii, target)..];
}
