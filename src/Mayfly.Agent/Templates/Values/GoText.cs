using System.Buffers;
using System.Text;

namespace Mayfly.Agent.Templates.Values;

/// <summary>
/// Go's strings are bytes, .NET's are UTF-16. Here a byte that is no part of valid UTF-8 is the lone surrogate U+DC80 to
/// U+DCFF, so a binary value (a decoded key store, say) passes through a template unharmed, and all else is plain text.
/// </summary>
internal static class GoText
{
    private const char Base = '\uDC00';

    /// <summary>How JSON and TOML write a character in a string by a letter; null when they have none for it.</summary>
    public static string? ShortEscape(int character) =>
        character switch
        {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\b' => "\\b",
            '\f' => "\\f",
            _ => null,
        };

    /// <summary>Text from any bytes.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes))
        {
            return Encoding.UTF8.GetString(bytes);
        }

        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var consumed) == OperationStatus.Done)
            {
                text.Append(rune.ToString());
            }
            else
            {
                // One byte at a time, as Go steps over what is not UTF-8.
                consumed = 1;
                text.Append((char)(Base + bytes[0]));
            }

            bytes = bytes[consumed..];
        }

        return text.ToString();
    }

    /// <summary>The bytes of a text that <see cref="Decode"/> made, or of any other.</summary>
    public static byte[] Encode(ReadOnlySpan<char> text)
    {
        var bytes = new byte[Length(text)];
        var at = 0;
        foreach (var (rune, raw) in new Runes(text))
        {
            if (raw is { } single)
            {
                bytes[at++] = single;
            }
            else
            {
                at += rune.EncodeToUtf8(bytes.AsSpan(at));
            }
        }

        return bytes;
    }

    /// <summary>How many bytes the text has.</summary>
    public static int Length(ReadOnlySpan<char> text)
    {
        var length = 0;
        foreach (var (rune, raw) in new Runes(text))
        {
            length += raw is null ? rune.Utf8SequenceLength : 1;
        }

        return length;
    }

    /// <summary>The characters of a text: each is a rune, or a byte that is none.</summary>
    public ref struct Runes(ReadOnlySpan<char> text)
    {
        private ReadOnlySpan<char> _rest = text;

        public (Rune Rune, byte? Raw) Current { get; private set; }

        public readonly Runes GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_rest.IsEmpty)
            {
                return false;
            }

            if (_rest[0] is >= '\uDC80' and <= '\uDCFF')
            {
                Current = (Rune.ReplacementChar, (byte)(_rest[0] - Base));
                _rest = _rest[1..];
                return true;
            }

            _ = Rune.DecodeFromUtf16(_rest, out var rune, out var consumed);
            Current = (rune, null);
            _rest = _rest[Math.Max(1, consumed)..];
            return true;
        }
    }
}
