using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Mayfly.Core.Known;

/// <summary>
/// What of a stored secret a scan can look for: texts that stand in a leak as they are, and that are too random to stand
/// anywhere by chance. What is no secret by its name or its form (hosts, users, e-mail addresses, paths) does not take part,
/// since a finding is said to be certain. A scanner takes the same texts out of what it reads (<c>KnownCandidates</c>).
/// </summary>
internal static class SecretParts
{
    /// <summary>Shorter texts stand anywhere, and can be guessed.</summary>
    private const int Shortest = 12;

    private const int Longest = 4096;

    /// <summary>A password of twelve different characters has 43.</summary>
    private const double FewestBits = 40;

    /// <summary>Lines of a key that are looked for; each of them is certain.</summary>
    private const int MostLines = 8;

    private const int Deepest = 3;

    private static readonly SearchValues<byte> NotInHosts = SearchValues.Create("_+/=!$%&*"u8);

    private static readonly string[] SecretNames =
    [
        "pass",
        "pwd",
        "secret",
        "token",
        "key",
        "cred",
        "auth",
        "private",
        "signature",
        "salt",
    ];

    private static readonly string[] PlainNames =
    [
        "user",
        "host",
        "port",
        "region",
        "email",
        "mail",
        "domain",
        "database",
        "dbname",
        "db_name",
        "description",
        "comment",
        "owner",
        "public",
        "path",
        "bucket",
        "version",
        "created",
        "updated",
    ];

    /// <summary>Gets one text at a time, valid during the call.</summary>
    public delegate void Visitor(ReadOnlySpan<byte> part);

    /// <summary>Shows the parts of the strings in a JSON object.</summary>
    public static void OfJson(ReadOnlySpan<byte> json, Visitor visitor) => OfJson(json, visitor, 0);

    private static void OfJson(ReadOnlySpan<byte> json, Visitor visitor, int depth)
    {
        var reader = new Utf8JsonReader(json);
        var name = "";
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName)
            {
                name = reader.GetString()!;
            }
            else if (reader.TokenType == JsonTokenType.String)
            {
                var buffer = ArrayPool<byte>.Shared.Rent(reader.ValueSpan.Length + 1);
                try
                {
                    var length = reader.CopyString(buffer);
                    OfText(name, buffer.AsSpan(0, length).Trim(" \t\r\n"u8), visitor, depth);
                }
                catch (InvalidOperationException)
                {
                    // Half a surrogate pair: it stands in no text.
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
                }
            }
        }
    }

    private static void OfText(string name, ReadOnlySpan<byte> text, Visitor visitor, int depth)
    {
        if (text.Length < Shortest || depth >= Deepest)
        {
            return;
        }

        if (text[0] is (byte)'{' or (byte)'[' && IsJson(text))
        {
            OfJson(text, visitor, depth + 1);
        }
        else if (text.Contains((byte)'\n'))
        {
            OfLines(text, visitor, depth);
        }
        else if (text.IndexOf("-----BEGIN "u8) >= 0 && text.IndexOf("\\n"u8) >= 0)
        {
            var broken = Encoding.UTF8.GetString(text).Replace("\\n", "\n", StringComparison.Ordinal);
            OfLines(Encoding.UTF8.GetBytes(broken), visitor, depth);
        }
        else if (text.IndexOf("://"u8) is > 0 and var scheme)
        {
            OfUrl(text[(scheme + 3)..], visitor);
        }
        else if (text.Length <= Longest && text.TrimEnd((byte)'=') is var part && IsStrong(name, part))
        {
            visitor(part);
        }
    }

    private static bool IsJson(ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text);
        try
        {
            return reader.Read() && reader.TrySkip() && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>The password in an address.</summary>
    private static void OfUrl(ReadOnlySpan<byte> text, Visitor visitor)
    {
        var end = text.LastIndexOf((byte)'@');
        var colon = text.IndexOf((byte)':');
        if (end < 0 || colon < 0 || colon >= end)
        {
            return;
        }

        var password = text[(colon + 1)..end];
        if (password.Contains((byte)'%'))
        {
            password = Encoding.UTF8.GetBytes(Uri.UnescapeDataString(Encoding.UTF8.GetString(password)));
        }

        password = password.TrimEnd((byte)'=');
        if (IsStrong("password", password))
        {
            visitor(password);
        }
    }

    private static void OfLines(ReadOnlySpan<byte> text, Visitor visitor, int depth)
    {
        var block = new List<Range>();
        bool? isPrivate = null;
        foreach (var range in text.Split((byte)'\n'))
        {
            var (from, length) = range.GetOffsetAndLength(text.Length);
            var line = text.Slice(from, length).Trim(" \t\r"u8);
            if (line.StartsWith("-----BEGIN "u8))
            {
                isPrivate = line.IndexOf("PRIVATE KEY"u8) >= 0;
                block.Clear();
            }
            else if (line.StartsWith("-----END "u8))
            {
                if (isPrivate == true)
                {
                    OfKey(text, block, visitor);
                }

                isPrivate = null;
            }
            else if (isPrivate is not null)
            {
                block.Add(range);
            }
            else if (!line.StartsWith("#"u8) && !line.StartsWith("//"u8))
            {
                OfLine(line, visitor, depth);
            }
        }
    }

    /// <summary>NAME=VALUE, NAME: VALUE, or a value alone.</summary>
    private static void OfLine(ReadOnlySpan<byte> line, Visitor visitor, int depth)
    {
        var name = "";
        var mark = line.IndexOfAny((byte)'=', (byte)':');
        if (mark is > 0 and < 64 && mark + 1 < line.Length && line[mark + 1] != (byte)'/')
        {
            name = Encoding.UTF8.GetString(line[..mark]);
            line = line[(mark + 1)..];
        }

        OfText(name, line.Trim(" \t\"',;"u8), visitor, depth + 1);
    }

    /// <summary>
    /// Lines of a private key. Not the first, which is the same in all keys of some formats, nor the last, which is short; where
    /// there are few, what is left.
    /// </summary>
    private static void OfKey(ReadOnlySpan<byte> text, List<Range> lines, Visitor visitor)
    {
        var (first, last) = lines.Count >= 3 ? (1, lines.Count - 1) : (0, lines.Count);
        for (var i = first; i < Math.Min(last, first + MostLines); i++)
        {
            var line = text[lines[i]].Trim(" \t\r"u8).TrimEnd((byte)'=');

            // Headers of old encrypted keys have colons.
            if (line.Length >= 40 && !line.Contains((byte)':'))
            {
                visitor(line);
            }
        }
    }

    private static bool IsStrong(string name, ReadOnlySpan<byte> text)
    {
        if (text.Length < Shortest || Bits(text) < FewestBits || text.ContainsAnyInRange((byte)0, (byte)31))
        {
            return false;
        }

        if (Array.Exists(SecretNames, each => name.Contains(each, StringComparison.OrdinalIgnoreCase)))
        {
            return !name.Contains("public", StringComparison.OrdinalIgnoreCase) && !IsPlaceholder(text);
        }

        return !Array.Exists(PlainNames, each => name.Contains(each, StringComparison.OrdinalIgnoreCase))
            && text.ContainsAnyInRange((byte)'0', (byte)'9')
            && (text.ContainsAnyInRange((byte)'a', (byte)'z') || text.ContainsAnyInRange((byte)'A', (byte)'Z'))
            && !text.ContainsAny((byte)' ', (byte)'@')
            && text[0] != (byte)'/'
            && !text.StartsWith("arn:"u8)
            && !IsHost(text)
            && !IsPlaceholder(text);
    }

    private static bool IsPlaceholder(ReadOnlySpan<byte> text) =>
        text.StartsWith("${"u8) || text.StartsWith("{{"u8) || text.StartsWith("<"u8);

    /// <summary>Small letters, digits and hyphens between dots; a token has capitals, or no dots.</summary>
    private static bool IsHost(ReadOnlySpan<byte> text) =>
        text.Contains((byte)'.') && !text.ContainsAnyInRange((byte)'A', (byte)'Z') && !text.ContainsAny(NotInHosts);

    /// <summary>Bits by how often each byte stands in the text itself (Shannon's entropy), in all.</summary>
    private static double Bits(ReadOnlySpan<byte> text)
    {
        Span<int> counts = stackalloc int[256];
        counts.Clear();
        foreach (var b in text)
        {
            counts[b]++;
        }

        var bits = 0.0;
        foreach (var count in counts)
        {
            if (count > 0)
            {
                bits += count * Math.Log2((double)text.Length / count);
            }
        }

        return bits;
    }
}
