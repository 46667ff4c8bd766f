using System.Text.Json;
using Mayfly.Core.Identity;

namespace Mayfly.Core.Pipeline;

/// <summary>The stored form of a reply behind a wrapping token: JSON, with the reply's data as it is.</summary>
internal static class WrappedReply
{
    public static byte[] Encode(Response response)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Json.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteNumber("shape", (int)response.Shape);
            writer.WriteNumber("lease_duration", response.LeaseDuration.TotalSeconds);
            writer.WriteString("lease_id", response.LeaseId);
            writer.WriteBoolean("renewable", response.Renewable);
            writer.WriteString("mount_type", response.MountType);
            writer.WriteStartArray("warnings");
            foreach (var warning in response.Warnings)
            {
                writer.WriteStringValue(warning);
            }

            writer.WriteEndArray();
            if (response.Auth is { } auth)
            {
                writer.WriteString("token", auth.Token);
                writer.WriteNumber("ttl", auth.Ttl.TotalSeconds);
                writer.WritePropertyName("entry");
                writer.WriteRawValue(TokenCodec.Encode(auth.Entry), skipInputValidation: true);
            }

            if (!response.Data.IsEmpty)
            {
                writer.WritePropertyName("data");
                writer.WriteRawValue(response.Data.Span, skipInputValidation: true);
            }

            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    public static Response Decode(ReadOnlySpan<byte> stored)
    {
        // The data was as deep as a body may be, and stands one level deeper here; some engines add levels of their own.
        var reader = new Utf8JsonReader(stored, new JsonReaderOptions { MaxDepth = 4 * Json.MaxDepth });
        using var document = JsonDocument.ParseValue(ref reader);
        var root = document.RootElement;
        var hasData = root.TryGetProperty("data", out var data);
        var bytes = hasData ? Crypto.SecretBytes.CopyOf(System.Text.Encoding.UTF8.GetBytes(data.GetRawText())) : null;
        return new Response(bytes?.Memory ?? default, bytes)
        {
            Shape = (ResponseShape)root.GetProperty("shape").GetInt32(),
            LeaseDuration = TimeSpan.FromSeconds(root.GetProperty("lease_duration").GetDouble()),
            LeaseId = root.TryGetProperty("lease_id", out var lease) ? lease.GetString()! : "",
            Renewable = root.TryGetProperty("renewable", out var renewable) && renewable.GetBoolean(),
            MountType = root.GetProperty("mount_type").GetString() ?? "",
            Warnings = [.. root.GetProperty("warnings").EnumerateArray().Select(item => item.GetString()!)],
            Auth = root.TryGetProperty("token", out var token)
                ? new IssuedToken(
                    token.GetString()!,
                    root.GetProperty("entry").Deserialize(TokenCodec.Default.TokenEntry)!,
                    TimeSpan.FromSeconds(root.GetProperty("ttl").GetDouble())
                )
                : null,
        };
    }
}
