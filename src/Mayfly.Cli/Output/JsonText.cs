using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Mayfly.Cli.Output;

/// <summary>JSON as people read it, with names in the server's order and numbers as the server wrote them.</summary>
internal static class JsonText
{
    private static readonly JsonWriterOptions Pretty = new()
    {
        Indented = true,
        // The text goes to a terminal or a file, never into HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Of(JsonElement value) =>
        Write(
            writer =>
            {
                if (value.ValueKind == JsonValueKind.Undefined)
                {
                    writer.WriteNullValue();
                }
                else
                {
                    value.WriteTo(writer);
                }
            },
            Pretty
        );

    /// <summary>What <paramref name="write"/> writes, as an element that every output format takes.</summary>
    public static JsonElement Element(Action<Utf8JsonWriter> write) => JsonElement.Parse(Bytes(write));

    /// <summary>What <paramref name="write"/> writes, as a request body.</summary>
    public static byte[] Bytes(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            write(writer);
        }

        return buffer.ToArray();
    }

    private static string Write(Action<Utf8JsonWriter> write, JsonWriterOptions options)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, options))
        {
            write(writer);
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
