using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace Mayfly.Tests.Client.Redaction;

/// <summary>Secrets of every kind, and what becomes of them on their way into a log.</summary>
internal static class SecretEncodings
{
    private static readonly JsonSerializerOptions Relaxed = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private const string Alphabet = "abcXYZ0189+/=-_.~!@#$%^&*()[]{}<>\\\"'`:;,? |\t\néßж漢\u0001";

    /// <summary>Text of 8 to 40 characters, some longer ones, some with signs that every encoding escapes.</summary>
    public static Gen<string> Secret =>
        from length in Gen.Frequency((8, Gen.Choose(8, 40)), (1, Gen.Choose(41, 700)), (1, Gen.Choose(9_000, 9_100)))
        from characters in Gen.Elements(Alphabet.ToCharArray()).ArrayOf(length)
        select new string(characters);

    /// <summary>Those that need not be cut.</summary>
    public static Gen<string> ShortSecret => Secret.Select(secret => secret.Length > 40 ? secret[..40] : secret);

    /// <summary>Names the ways, and writes a secret in each of them.</summary>
    public static readonly IReadOnlyDictionary<string, Func<string, string>> All = new Dictionary<
        string,
        Func<string, string>
    >
    {
        ["raw"] = secret => secret,
        ["percent"] = Uri.EscapeDataString,
        ["percent, lower case"] = secret => Uri.EscapeDataString(secret).ToLowerIfEscaped(),
        ["form"] = WebUtility.UrlEncode,
        ["json"] = secret => JsonSerializer.Serialize(secret),
        ["relaxed json"] = secret => JsonSerializer.Serialize(secret, Relaxed),
        ["json in json"] = secret => JsonSerializer.Serialize(JsonSerializer.Serialize(secret)),
        ["url in json"] = secret => JsonSerializer.Serialize("https://host/?q=" + Uri.EscapeDataString(secret)),
        ["html"] = WebUtility.HtmlEncode,
        ["hex"] = secret => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(secret)),
        ["upper hex"] = secret => Convert.ToHexString(Encoding.UTF8.GetBytes(secret)),
        ["base64"] = secret => Base64("", secret, ""),
        ["base64 after one byte"] = secret => Base64("u", secret, "?"),
        ["base64 after two bytes"] = secret => Base64("u:", secret, "??"),
        ["base64 of many bytes"] = secret => Base64("user:", secret, " and more of it"),
        ["base64url"] = secret => Base64(":", secret, "/").Replace('+', '-').Replace('/', '_').TrimEnd('='),
        ["base64 in a url"] = secret => Uri.EscapeDataString(Base64("", secret, "")),
        ["base64 in json"] = secret => JsonSerializer.Serialize(Base64("user:", secret, "")),
        ["percent in percent"] = secret => Uri.EscapeDataString(Uri.EscapeDataString(secret)),
        ["all of it as units of json"] = secret => string.Concat(secret.Select(c => $"\\u{(int)c:X4}")),
        ["octal"] = secret => string.Concat(Encoding.UTF8.GetBytes(secret).Select(Octal)),
        ["sql"] = secret => secret.Replace("'", "''", StringComparison.Ordinal),
        ["csv"] = secret => secret.Replace("\"", "\"\"", StringComparison.Ordinal),
        ["shell"] = secret => secret.Replace("'", "'\\''", StringComparison.Ordinal),
        ["shell as python writes it"] = secret => secret.Replace("'", "'\"'\"'", StringComparison.Ordinal),
        ["compose"] = secret => secret.Replace("$", "$$", StringComparison.Ordinal),
        ["systemd"] = secret => secret.Replace("%", "%%", StringComparison.Ordinal),
        ["message template"] = secret =>
            secret.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal),
        ["hex with colons"] = secret => Pairs(secret, ':').ToLowerInvariant(),
        ["hex with dashes"] = secret => BitConverter.ToString(Encoding.UTF8.GetBytes(secret)),
        ["hex with spaces"] = secret => Pairs(secret, ' '),
        ["hex in lines"] = secret =>
            string.Join(
                "\n",
                Encoding.UTF8.GetBytes(secret).Chunk(16).Select(line => BitConverter.ToString(line).Replace('-', ' '))
            ),
        ["utf-16 in hex"] = secret => Shown(secret, text => Convert.ToHexStringLower(Encoding.Unicode.GetBytes(text))),
        ["utf-16 in base64"] = secret =>
            Shown(secret, text => Convert.ToBase64String(Encoding.Unicode.GetBytes($"set {text}!"))),
        ["utf-16 in base64, high bytes first"] = secret =>
            Shown(secret, text => Convert.ToBase64String(Encoding.BigEndianUnicode.GetBytes($"set {text}!"))),
        ["zeros between characters"] = secret => string.Concat(secret.Select(c => $"{c}\0")),
        ["zeros between characters in json"] = secret =>
            JsonSerializer.Serialize(string.Concat(secret.Select(c => $"\0{c}"))),
        ["base64 in lines of 64"] = secret =>
            string.Join('\n', Base64("--", secret, "").Chunk(64).Select(line => new string(line))),
        ["wrapped base64"] = secret =>
            Convert.ToBase64String(Encoding.UTF8.GetBytes("--" + secret), Base64FormattingOptions.InsertLineBreaks),
    };

    /// <summary>Longer ones are not looked for in UTF-16.</summary>
    private static string Shown(string secret, Func<string, string> encode) =>
        secret.Length > 8192 ? secret : encode(secret);

    private static string Pairs(string secret, char sign) =>
        BitConverter.ToString(Encoding.UTF8.GetBytes(secret)).Replace('-', sign);

    private static string Octal(byte octet) => "\\" + Convert.ToString(octet, 8).PadLeft(3, '0');

    private static string Base64(string before, string secret, string after) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes(before + secret + after));

    private static string ToLowerIfEscaped(this string text)
    {
        var result = new StringBuilder(text);
        for (var at = text.IndexOf('%'); at >= 0; at = text.IndexOf('%', at + 1))
        {
            result[at + 1] = char.ToLowerInvariant(text[at + 1]);
            result[at + 2] = char.ToLowerInvariant(text[at + 2]);
        }

        return result.ToString();
    }
}
