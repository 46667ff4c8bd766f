using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Core.Naming;

/// <summary>
/// The functions of a <see cref="NameTemplate"/>, with the meaning that they have in Vault (sdk/helper/template), and Go's
/// <c>printf</c> for text. Their arguments are checked when the template is parsed.
/// </summary>
internal static class NameFunctions
{
    private const int MaxRandom = 256;

    /// <summary>What <c>random</c> draws from.</summary>
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    private const int HashLength = 8;

    private const string Known =
        "base64, lowercase, printf, random, replace, sha256, timestamp, truncate, truncate_sha256, unix_time, "
        + "unix_time_millis, uppercase, uuid";

    /// <returns>The value of the call, or what is wrong with it.</returns>
    public static (NameValue? Value, string? Problem) Call(string name, IReadOnlyList<NameValue> arguments) =>
        name switch
        {
            "random" => Sized(name, arguments, texts: 0, 1, (length, _) => RandomText(length)),
            "truncate" => Sized(name, arguments, texts: 1, 1, (length, text) => Cut(text, length)),
            "truncate_sha256" => Sized(name, arguments, texts: 1, HashLength + 1, CutWithHash),
            "uppercase" => OfText(name, arguments, text => text.ToUpperInvariant()),
            "lowercase" => OfText(name, arguments, text => text.ToLowerInvariant()),
            "sha256" => OfText(name, arguments, Hash),
            "base64" => OfText(name, arguments, text => Convert.ToBase64String(Encoding.UTF8.GetBytes(text))),
            "replace" => Replace(arguments),
            "printf" => Printf(arguments),
            "timestamp" => Timestamp(arguments),
            "unix_time" => Plain(name, arguments, fields => Text(fields.Now.ToUnixTimeSeconds())),
            "unix_time_millis" => Plain(name, arguments, fields => Text(fields.Now.ToUnixTimeMilliseconds())),
            "uuid" => Plain(name, arguments, _ => Guid.NewGuid().ToString()),
            _ => (null, $"there is no function {name}; there are: {Known}"),
        };

    private static (NameValue?, string?) Plain(
        string name,
        IReadOnlyList<NameValue> arguments,
        Func<NameFields, string> function
    ) => arguments.Count == 0 ? (NameValue.Text(function), null) : (null, $"{name} takes no argument");

    private static (NameValue?, string?) OfText(
        string name,
        IReadOnlyList<NameValue> arguments,
        Func<string, string> function
    ) =>
        arguments is [{ Number: null } text]
            ? (NameValue.Text(fields => function(text.Render(fields))), null)
            : (null, $"{name} takes one text");

    /// <summary>A function of a number that is written out, and of <paramref name="texts"/> texts after it.</summary>
    private static (NameValue?, string?) Sized(
        string name,
        IReadOnlyList<NameValue> arguments,
        int texts,
        int smallest,
        Func<int, string, string> function
    )
    {
        if (arguments.Count != texts + 1 || arguments[0].Number is not { } size || arguments.Skip(1).Any(IsNumber))
        {
            return (null, texts == 0 ? $"{name} takes a number" : $"{name} takes a number and a text");
        }

        if (size < smallest || size > MaxRandom)
        {
            return (null, $"the number of {name} is from {smallest} to {MaxRandom}");
        }

        return texts == 0
            ? (NameValue.Text(_ => function(size, "")), null)
            : (NameValue.Text(fields => function(size, arguments[1].Render(fields))), null);
    }

    private static (NameValue?, string?) Replace(IReadOnlyList<NameValue> arguments)
    {
        if (arguments.Count != 3 || arguments.Any(IsNumber) || arguments[0].Literal is "")
        {
            return (null, "replace takes what to find (not empty), what to put there, and a text");
        }

        return (
            NameValue.Text(fields =>
            {
                var find = arguments[0].Render(fields);
                var text = arguments[2].Render(fields);
                return find.Length == 0
                    ? text
                    : text.Replace(find, arguments[1].Render(fields), StringComparison.Ordinal);
            }),
            null
        );
    }

    private static (NameValue?, string?) Printf(IReadOnlyList<NameValue> arguments)
    {
        if (arguments is not [{ Literal: { } format }, ..])
        {
            return (null, "printf takes a format that is written out, such as \"v-%s\"");
        }

        var parts = new List<Func<NameFields, string>>();
        var next = 1;
        for (var at = 0; at < format.Length; )
        {
            var percent = format.IndexOf('%', at);
            var text = percent < 0 ? format[at..] : format[at..percent];
            parts.Add(_ => text);
            if (percent < 0)
            {
                break;
            }

            switch (percent + 1 < format.Length ? format[percent + 1] : '\0')
            {
                case '%':
                    parts.Add(_ => "%");
                    break;
                case 's' or 'v' when next < arguments.Count:
                    parts.Add(arguments[next++].Render);
                    break;
                case 's' or 'v':
                    return (null, "printf has fewer values than its format asks for");
                default:
                    return (null, "printf knows %s, %v and %%");
            }

            at = percent + 2;
        }

        return next == arguments.Count
            ? (NameValue.Text(fields => string.Concat(parts.Select(part => part(fields)))), null)
            : (null, "printf has more values than its format asks for");
    }

    private static (NameValue?, string?) Timestamp(IReadOnlyList<NameValue> arguments)
    {
        if (arguments is not [{ Literal: { } layout }])
        {
            return (null, "timestamp takes a layout that is written out, such as \"2006-01-02T15:04:05Z\"");
        }

        return (NameValue.Text(fields => GoLayout.Format(layout, fields.Now)), null);
    }

    private static string RandomText(int length) => RandomNumberGenerator.GetString(Alphabet, length);

    /// <summary>At most <paramref name="length"/> characters; a pair of surrogates stays together.</summary>
    private static string Cut(string text, int length)
    {
        if (text.Length <= length)
        {
            return text;
        }

        return char.IsHighSurrogate(text[length - 1]) ? text[..(length - 1)] : text[..length];
    }

    /// <summary>Cut to <paramref name="length"/>, where the last eight are of the hash of what was cut away.</summary>
    private static string CutWithHash(int length, string text)
    {
        if (text.Length <= length)
        {
            return text;
        }

        var kept = Cut(text, length - HashLength);
        return kept + Hash(text[kept.Length..])[..HashLength];
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static bool IsNumber(NameValue value) => value.Number is not null;
}
