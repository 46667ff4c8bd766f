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

    /// <summary>An object of texts.</summary>
    public static ReadOnlyMemory<byte> Of(IEnumerable<KeyValuePair<string, string>> members) =>
        OfNullable(members.Select(static each => new KeyValuePair<string, string?>(each.Key, each.Value)));

    /// <summary>An object of texts, and of nulls, which mean that a member is to go.</summary>
    public static ReadOnlyMemory<byte> OfNullable(IEnumerable<KeyValuePair<string, string?>> members) =>
        Of(
            members,
            static (json, members) =>
            {
                foreach (var (name, value) in members)
                {
                    json.WriteString(name, value);
                }
            }
        );

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
