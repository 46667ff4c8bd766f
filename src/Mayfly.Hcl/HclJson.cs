using System.Text;
using System.Text.Json;

namespace Mayfly.Hcl;

/// <summary>Reads the JSON notation into the same tree: objects are bodies without labels.</summary>
internal static class HclJson
{
    public static (HclBody? Body, HclError? Error) Parse(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var lines = new Lines(bytes);
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = HclParser.MaxDepth });
        try
        {
            reader.Read();
            var body = ReadObject(ref reader, lines);
            reader.Read();
            return (body, null);
        }
        catch (JsonException wrong)
        {
            var position = new HclPosition((int)(wrong.LineNumber ?? 0) + 1, (int)(wrong.BytePositionInLine ?? 0) + 1);
            return (null, new HclError(position, "invalid JSON: " + Reason(wrong)));
        }
        catch (InvalidOperationException)
        {
            // The reader checks the escapes of a string only when it is asked for its text.
            return (
                null,
                new HclError(lines.At(reader.TokenStartIndex), "invalid JSON: half a surrogate pair in a string")
            );
        }
    }

    /// <summary>The place is told separately.</summary>
    private static string Reason(JsonException wrong)
    {
        var place = wrong.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return place < 0 ? wrong.Message : wrong.Message[..place];
    }

    private static HclBody ReadObject(ref Utf8JsonReader reader, Lines lines)
    {
        var position = lines.At(reader.TokenStartIndex);
        var items = new List<HclItem>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var at = lines.At(reader.TokenStartIndex);
            var key = reader.GetString() ?? "";
            reader.Read();
            items.Add(new HclItem(key, [], ReadValue(ref reader, lines), at));
        }

        return new HclBody(items, position);
    }

    private static HclValue ReadValue(ref Utf8JsonReader reader, Lines lines)
    {
        var position = lines.At(reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return new HclObject(ReadObject(ref reader, lines), position);
            case JsonTokenType.StartArray:
                var items = new List<HclValue>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    items.Add(ReadValue(ref reader, lines));
                }

                return new HclList(items, position);
            case JsonTokenType.String:
                return new HclString(reader.GetString() ?? "", position);
            case JsonTokenType.Number:
                return new HclNumber(
                    Encoding.UTF8.GetString(reader.ValueSpan),
                    reader.TryGetDouble(out var value) ? value : double.NaN,
                    reader.TryGetInt64(out var integer) ? integer : null,
                    position
                );
            case JsonTokenType.True:
            case JsonTokenType.False:
                return new HclBool(reader.TokenType == JsonTokenType.True, position);
            default:
                return new HclNull(position);
        }
    }

    /// <summary>Turns byte offsets, asked for in ascending order, into lines and columns.</summary>
    private sealed class Lines(byte[] bytes)
    {
        private int _at;
        private int _line = 1;
        private int _lineStart;

        public HclPosition At(long offset)
        {
            for (; _at < offset; _at++)
            {
                if (bytes[_at] == (byte)'\n')
                {
                    _line++;
                    _lineStart = _at + 1;
                }
            }

            return new HclPosition(_line, (int)offset - _lineStart + 1);
        }
    }
}
