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

    public static string Of(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Undefined)
        {
            return "null";
        }

        try
        {
            using var buffer = new MemoryStream();
            using (var writer = new Utf8JsonWriter(buffer, Pretty))
            {
                value.WriteTo(writer);
            }

            return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair cannot be written again; the server's own bytes can be shown.
            return value.GetRawText();
        }
    }

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
}
