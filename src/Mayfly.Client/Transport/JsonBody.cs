using System.Buffers;
using System.Text.Json;

namespace Mayfly.Client.Transport;

/// <summary>Bodies of requests.</summary>
internal static class JsonBody
{
    /// <summary>An object of texts, without those that are null.</summary>
    public static ReadOnlyMemory<byte> Of(params ReadOnlySpan<(string Name, string? Value)> members)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in members)
            {
                if (value is not null)
                {
                    writer.WriteString(name, value);
                }
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    /// <summary>An object whose members <paramref name="write"/> writes.</summary>
    public static ReadOnlyMemory<byte> Of<T>(T state, Action<Utf8JsonWriter, T> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            write(writer, state);
            writer.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }
}
