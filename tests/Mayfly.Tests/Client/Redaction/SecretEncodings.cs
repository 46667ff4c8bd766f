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
        ["wrapped base64"] = secret =>
            Convert.ToBase64String(Encoding.UTF8.GetBytes("--" + secret), Base64FormattingOptions.InsertLineBreaks),
    };

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
