using System.Buffers;
using System.Buffers.Text;
using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Mayfly.Core.Audit;

/// <summary>Grows, and takes JSON piece by piece in UTF-8. Kept and reused, so writing allocates nothing. One owner.</summary>
internal sealed class LineBuffer(int keptCapacity = 64 * 1024)
{
    private static readonly SearchValues<byte> Escaped = SearchValues.Create([
        .. Enumerable.Range(0, 0x20).Select(i => (byte)i),
        (byte)'"',
        (byte)'\\',
    ]);

    private byte[] _bytes = new byte[1024];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    /// <summary>Empties it, and lets go of an array that one large entry made.</summary>
    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > keptCapacity)
        {
            _bytes = new byte[1024];
        }
    }

    /// <summary>Goes back to an earlier length.</summary>
    public void Truncate(int length) => Length = length;

    public Span<byte> Room(int count)
    {
        if (_bytes.Length - Length < count)
        {
            Array.Resize(
                ref _bytes,
                checked((int)Math.Min(Array.MaxLength, Math.Max(_bytes.Length * 2L, (long)Length + count)))
            );
        }

        return _bytes.AsSpan(Length);
    }

    public void Advance(int count) => Length += count;

    public void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        Length += bytes.Length;
    }

    public void Byte(byte value)
    {
        Room(1)[0] = value;
        Length++;
    }

    public void Number(long value)
    {
        Utf8Formatter.TryFormat(value, Room(20), out var written);
        Length += written;
    }

    public void Bool(bool value) => Raw(value ? "true"u8 : "false"u8);

    public void Address(IPAddress address)
    {
        Byte((byte)'"');
        address.TryFormat(Room(65), out var written);
        Length += written;
        Byte((byte)'"');
    }

    /// <summary>A JSON string.</summary>
    public void Text(ReadOnlySpan<char> text)
    {
        var room = Room(Encoding.UTF8.GetMaxByteCount(text.Length) + 2);
        room[0] = (byte)'"';
        var written = Encoding.UTF8.GetBytes(text, room[1..]);
        if (!room.Slice(1, written).ContainsAny(Escaped))
        {
            room[written + 1] = (byte)'"';
            Length += written + 2;
            return;
        }

        Byte((byte)'"');
        Raw(JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes);
        Byte((byte)'"');
    }

    /// <summary>A JSON string from UTF-8 that has been checked.</summary>
    public void Text(ReadOnlySpan<byte> utf8)
    {
        Byte((byte)'"');
        if (utf8.ContainsAny(Escaped))
        {
            Raw(JsonEncodedText.Encode(utf8, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes);
        }
        else
        {
            Raw(utf8);
        }

        Byte((byte)'"');
    }

    /// <summary>A member's name as it stands in source: <c>,"name":</c>, without the comma at the start of an object.</summary>
    public void Name(ReadOnlySpan<byte> quotedWithColon)
    {
        if (Length > 0 && _bytes[Length - 1] != (byte)'{')
        {
            Byte((byte)',');
        }

        Raw(quotedWithColon);
    }

    public void Texts(IReadOnlyList<string> texts)
    {
        Byte((byte)'[');
        for (var i = 0; i < texts.Count; i++)
        {
            if (i > 0)
            {
                Byte((byte)',');
            }

            Text(texts[i]);
        }

        Byte((byte)']');
    }

    public void Map(IReadOnlyDictionary<string, string> map)
    {
        Byte((byte)'{');
        var first = true;
        foreach (var (key, value) in map)
        {
            if (!first)
            {
                Byte((byte)',');
            }

            first = false;
            Text(key);
            Byte((byte)':');
            Text(value);
        }

        Byte((byte)'}');
    }

    /// <summary>An RFC 3339 time in UTC with nanoseconds, as a JSON string.</summary>
    public void Time(DateTimeOffset time)
    {
        var room = Room(32);
        room[0] = (byte)'"';
        time.UtcDateTime.TryFormat(room[1..], out _, "yyyy-MM-ddTHH:mm:ss.fffffff", null);
        "00Z\""u8.CopyTo(room[28..]);
        Length += 32;
    }
}
