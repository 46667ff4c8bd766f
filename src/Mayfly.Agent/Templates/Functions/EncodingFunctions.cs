using System.Globalization;
using System.Security.Cryptography;
using Mayfly.Agent.Templates.Values;
using static Mayfly.Agent.Templates.Functions.Define;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>Functions that encode, decode, parse and hash.</summary>
internal static class EncodingFunctions
{
    public static IEnumerable<TemplateFunction> All { get; } =
    [
        Text("base64Encode", text => Convert.ToBase64String(GoText.Encode(text))),
        Text("base64Decode", text => Decode(text, isUrl: false)),
        Text(
            "base64URLEncode",
            text => Convert.ToBase64String(GoText.Encode(text)).Replace('+', '-').Replace('/', '_')
        ),
        Text("base64URLDecode", text => Decode(text, isUrl: true)),
        Value("toJSON", value => GoJson.Write(value, indent: null, escapesHtml: true)),
        Value("toJSONPretty", value => GoJson.Write(value, "  ", escapesHtml: true)),
        Value("toUnescapedJSON", value => GoJson.Write(value, indent: null, escapesHtml: false)),
        Value("toUnescapedJSONPretty", value => GoJson.Write(value, "  ", escapesHtml: false)),
        Value("toYAML", GoYaml.Write),
        Value("toTOML", GoToml.Write),
        Text("parseJSON", text => text.Length == 0 ? new GoMap() : GoJson.Parse(text)),
        Text("parseYAML", text => text.Length == 0 ? new GoMap() : GoYaml.Parse(text)),
        Text("parseBool", ParseBool),
        Text("parseFloat", ParseFloat),
        Text("parseInt", ParseInt),
        Text("parseUint", ParseUint),
        Text("sha256Hex", text => Convert.ToHexStringLower(SHA256.HashData(GoText.Encode(text)))),
        Text("md5sum", Md5),
        Text(
            "hmacSHA256Hex",
            (text, key) => Convert.ToHexStringLower(HMACSHA256.HashData(GoText.Encode(key), GoText.Encode(text)))
        ),
        Value("spew_sdump", GoSpew.Dump),
        Variadic("spew_sprintf", [Kind.String], Kind.Any, given => GoPrintf.Format((string)given[0]!, given.AsSpan(1))),
        Variadic("spew_dump", [], Kind.Any, _ => throw ToOutput()),
        Variadic("spew_printf", [], Kind.Any, _ => throw ToOutput()),
    ];

    private static FunctionException ToOutput() =>
        new("it would print values to the agent's output, where secrets do not belong; use spew_sdump or spew_sprintf");

    private static string Decode(string text, bool isUrl)
    {
        // Go skips the ends of lines, and nothing else.
        var clean = text.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal);
        var foreign = isUrl ? "+/" : "-_";
        if (clean.AsSpan().IndexOfAny(foreign) >= 0 || clean.AsSpan().IndexOfAny(" \t") >= 0)
        {
            throw new FunctionException("illegal base64 data");
        }

        var bytes = new byte[(clean.Length / 4 * 3) + 3];
        return Convert.TryFromBase64String(
            isUrl ? clean.Replace('-', '+').Replace('_', '/') : clean,
            bytes,
            out var written
        )
            ? GoText.Decode(bytes.AsSpan(0, written))
            : throw new FunctionException("illegal base64 data");
    }

    private static object ParseBool(string text) =>
        text.Length > 0 && (GoBool.Parse(text) ?? throw new FunctionException("the text is no boolean"));

    private static object ParseFloat(string text) =>
        text.Length == 0 ? 0.0
        : double.TryParse(
            text,
            NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
            CultureInfo.InvariantCulture,
            out var value
        )
            ? value
        : throw new FunctionException("the text is no number");

    private static object ParseInt(string text) =>
        text.Length == 0 ? 0L
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value
        : throw new FunctionException("the text is no integer of 64 bits");

    private static object ParseUint(string text) =>
        text.Length == 0 ? 0UL
        : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value
        : throw new FunctionException("the text is no positive integer of 64 bits");

    private static string Md5(string text)
    {
#pragma warning disable CA5351, RS0030 // Files that want an MD5 of something are written by their readers' rules; it protects nothing here.
        return Convert.ToHexStringLower(MD5.HashData(GoText.Encode(text)));
#pragma warning restore CA5351, RS0030
    }
}
