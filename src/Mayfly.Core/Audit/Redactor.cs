using System.Text;
using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Audit;

/// <summary>
/// Writes values into entries so that they can be recognised but not read: strings as keyed hashes.
/// </summary>
internal sealed class Redactor : IDisposable
{
    private readonly HmacSha256 _hmac;
    private readonly bool _raw;
    private readonly byte[] _empty;

    /// <param name="key">The device's own key.</param>
    /// <param name="raw">The operator wants everything as it is.</param>
    public Redactor(ReadOnlySpan<byte> key, bool raw)
    {
        _hmac = new HmacSha256(key);
        _raw = raw;
        var line = new LineBuffer();
        Hashed(line, []);
        _empty = line.Written.ToArray();
    }

    public void Dispose() => _hmac.Dispose();

    /// <summary>A string's hash, or the string itself on a raw device.</summary>
    public void Secret(LineBuffer line, ReadOnlySpan<char> text)
    {
        if (_raw)
        {
            line.Text(text);
            return;
        }

        using var bytes = SecretBytes.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        var written = Encoding.UTF8.GetBytes(text, bytes.Span);
        Hashed(line, bytes.Span[..written]);
    }

    /// <summary>A string's hash, or the string itself on a raw device.</summary>
    public void Secret(LineBuffer line, ReadOnlySpan<byte> utf8)
    {
        if (_raw)
        {
            line.Text(utf8);
        }
        else if (utf8.IsEmpty)
        {
            line.Raw(_empty);
        }
        else
        {
            Hashed(line, utf8);
        }
    }

    /// <summary>
    /// A JSON value with its strings hashed, except below the top-level members that <paramref name="plain"/> names.
    /// Numbers and booleans stay, as Vault has it.
    /// </summary>
    /// <param name="line">Takes the result.</param>
    /// <param name="json">A JSON object that has been checked to be well-formed.</param>
    /// <param name="plain">Names of top-level members that are shown as they are.</param>
    /// <param name="elide">Shows the counts of <c>keys</c> and <c>key_info</c> instead of them.</param>
    public void Json(LineBuffer line, ReadOnlySpan<byte> json, IReadOnlyList<string> plain, bool elide = false)
    {
        var reader = new Utf8JsonReader(json, Pipeline.Json.ReaderOptions);
        var shown = int.MaxValue;
        var comma = false;
        while (reader.Read())
        {
            var token = reader.TokenType;
            if (token is JsonTokenType.EndObject or JsonTokenType.EndArray)
            {
                line.Byte(token == JsonTokenType.EndObject ? (byte)'}' : (byte)']');
                comma = true;
                continue;
            }

            if (comma)
            {
                line.Byte((byte)',');
            }

            comma = true;
            switch (token)
            {
                case JsonTokenType.StartObject:
                    line.Byte((byte)'{');
                    comma = false;
                    break;
                case JsonTokenType.StartArray:
                    line.Byte((byte)'[');
                    comma = false;
                    break;
                case JsonTokenType.PropertyName:
                    line.Byte((byte)'"');
                    line.Raw(reader.ValueSpan);
                    line.Raw("\":"u8);
                    comma = false;
                    if (reader.CurrentDepth == 1)
                    {
                        shown = IsPlain(ref reader, plain) ? 1 : int.MaxValue;
                        if (elide && (reader.ValueTextEquals("keys"u8) || reader.ValueTextEquals("key_info"u8)))
                        {
                            line.Number(Count(ref reader));
                            comma = true;
                        }
                    }

                    break;
                case JsonTokenType.String when shown == 1:
                    line.Byte((byte)'"');
                    line.Raw(reader.ValueSpan);
                    line.Byte((byte)'"');
                    break;
                case JsonTokenType.String:
                    String(line, ref reader);
                    break;
                default:
                    line.Raw(reader.ValueSpan);
                    break;
            }
        }
    }

    private static bool IsPlain(ref Utf8JsonReader reader, IReadOnlyList<string> plain)
    {
        for (var i = 0; i < plain.Count; i++)
        {
            if (reader.ValueTextEquals(plain[i]))
            {
                return true;
            }
        }

        return false;
    }

    private static int Count(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType is not (JsonTokenType.StartArray or JsonTokenType.StartObject))
        {
            return 1;
        }

        var members = reader.TokenType == JsonTokenType.StartObject;
        var depth = reader.CurrentDepth;
        var count = 0;
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            if (reader.CurrentDepth != depth + 1)
            {
                continue;
            }

            var counts = members
                ? reader.TokenType == JsonTokenType.PropertyName
                : reader.TokenType is not (JsonTokenType.EndArray or JsonTokenType.EndObject);
            count += counts ? 1 : 0;
        }

        return count;
    }

    private void String(LineBuffer line, ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
        {
            Secret(line, reader.ValueSpan);
            return;
        }

        using var bytes = SecretBytes.Rent(reader.ValueSpan.Length);
        var written = reader.CopyString(bytes.Span);
        Secret(line, bytes.Span[..written]);
    }

    private void Hashed(LineBuffer line, ReadOnlySpan<byte> utf8)
    {
        Span<byte> hash = stackalloc byte[32];
        _hmac.HashData(utf8, hash);
        line.Raw("\"hmac-sha256:"u8);
        Convert.TryToHexStringLower(hash, line.Room(64), out _);
        line.Advance(64);
        line.Byte((byte)'"');
    }
}
