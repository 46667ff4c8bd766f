using System.Globalization;
using System.Text;
using Mayfly.Agent.Templates.Values;
using static Mayfly.Agent.Templates.Functions.Define;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>The functions that Go's package has itself.</summary>
internal static class Builtins
{
    public static IEnumerable<TemplateFunction> All { get; } =
    [
        // The executor evaluates these two itself, because they stop early.
        Variadic("and", [Kind.Any], Kind.Any, given => given[^1]),
        Variadic("or", [Kind.Any], Kind.Any, given => given[^1]),
        Value("not", given => !GoType.IsTrue(given)),
        Value("len", Length),
        Variadic("index", [Kind.Any], Kind.Any, Index),
        Variadic("slice", [Kind.Any], Kind.Any, Slice),
        Variadic("print", [], Kind.Any, given => GoPrint.Join(given)),
        Variadic("printf", [Kind.String], Kind.Any, given => GoPrintf.Format((string)given[0]!, given.AsSpan(1))),
        Variadic("println", [], Kind.Any, given => GoPrint.Line(given)),
        Variadic("html", [], Kind.Any, given => Html(Joined(given))),
        Variadic("js", [], Kind.Any, given => Script(Joined(given))),
        Variadic("urlquery", [], Kind.Any, given => Query(Joined(given))),
        Variadic(
            "call",
            [Kind.Any],
            Kind.Any,
            given =>
                throw new FunctionException(
                    given[0] is null ? "call of nil" : $"non-function of type {GoType.Name(given[0])}"
                )
        ),
        Variadic("eq", [Kind.Any], Kind.Any, Comparison.IsAny),
        Function("ne", [Kind.Any, Kind.Any], given => !Comparison.AreEqual(given[0], given[1])),
        Function("lt", [Kind.Any, Kind.Any], given => Comparison.Compare(given[0], given[1]) < 0),
        Function("le", [Kind.Any, Kind.Any], given => Comparison.Compare(given[0], given[1]) <= 0),
        Function("gt", [Kind.Any, Kind.Any], given => Comparison.Compare(given[0], given[1]) > 0),
        Function("ge", [Kind.Any, Kind.Any], given => Comparison.Compare(given[0], given[1]) >= 0),
    ];

    /// <summary>What a value looks like in the output, where nil is "no value".</summary>
    private static string Joined(object?[] given) =>
        given is [string text] ? text : GoPrint.Join(Array.ConvertAll(given, value => value ?? "<no value>"));

    private static object? Length(object? given) =>
        given switch
        {
            string text => (long)GoText.Length(text),
            JsonNumber number => (long)number.Text.Length,
            GoSlice slice => (long)slice.Items.Count,
            GoMap map => (long)map.Count,
            null => throw new FunctionException("len of nil pointer"),
            _ => throw new FunctionException($"len of type {GoType.Name(given)}"),
        };

    private static object? Index(object?[] given)
    {
        var item = given[0] ?? throw new FunctionException("index of untyped nil");
        foreach (var key in given.AsSpan(1))
        {
            item = item switch
            {
                GoSlice slice => slice.Items[Position(key, slice.Items.Count, last: false)],
                string text when GoText.Encode(text) is var bytes => (long)
                    bytes[Position(key, bytes.Length, last: false)],
                GoMap map => map.GetValueOrDefault(
                    key as string ?? throw new FunctionException($"value has type {GoType.Name(key)}; should be string")
                ) ?? Zero(map),
                null => throw new FunctionException("index of nil pointer"),
                _ => throw new FunctionException($"can't index item of type {GoType.Name(item)}"),
            };
        }

        return item;
    }

    private static string? Zero(GoMap map) => map.Element == GoType.String ? "" : null;

    private static object? Slice(object?[] given)
    {
        var item = given[0] ?? throw new FunctionException("slice of untyped nil");
        if (given.Length > 4)
        {
            throw new FunctionException($"too many slice indexes: {given.Length - 1}");
        }

        if (given.Length == 4 && item is string)
        {
            throw new FunctionException("cannot 3-index slice a string");
        }

        var bytes = item is string text ? GoText.Encode(text) : [];
        var length = item switch
        {
            string => bytes.Length,
            GoSlice slice => slice.Items.Count,
            _ => throw new FunctionException($"can't slice item of type {GoType.Name(item)}"),
        };
        var from = given.Length > 1 ? Position(given[1], length, last: true) : 0;
        var to = given.Length > 2 ? Position(given[2], length, last: true) : length;
        if (from > to)
        {
            throw new FunctionException("invalid slice indexes: the first is behind the second");
        }

        return item is GoSlice whole
            ? whole with
            {
                Items = [.. whole.Items.Skip(from).Take(to - from)],
            }
            : GoText.Decode(bytes.AsSpan(from, to - from));
    }

    private static int Position(object? key, int length, bool last)
    {
        var number = key switch
        {
            long whole => whole,
            ulong whole when whole <= long.MaxValue => (long)whole,
            null => throw new FunctionException("cannot index slice/array with nil"),
            _ => throw new FunctionException($"cannot index slice/array with type {GoType.Name(key)}"),
        };
        return number >= 0 && (last ? number <= length : number < length)
            ? (int)number
            : throw new FunctionException("index out of range");
    }

    private static string Html(string text)
    {
        var result = new BoundedText();
        foreach (var character in text)
        {
            var escaped = character switch
            {
                '\0' => "\uFFFD",
                '"' => "&#34;",
                '\'' => "&#39;",
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                _ => null,
            };
            _ = escaped is null ? result.Append(character) : result.Append(escaped);
        }

        return result.ToString();
    }

    private static string Script(string text)
    {
        var result = new BoundedText();
        foreach (var character in text)
        {
            var escaped = character switch
            {
                '\\' => @"\\",
                '\'' => @"\'",
                '"' => "\\\"",
                '<' => @"\u003C",
                '>' => @"\u003E",
                '&' => @"\u0026",
                '=' => @"\u003D",
                < ' ' => $@"\u{(int)character:X4}",
                '\u2028' or '\u2029' => $@"\u{(int)character:X4}",
                _ => null,
            };
            _ = escaped is null ? result.Append(character) : result.Append(escaped);
        }

        return result.ToString();
    }

    private static string Query(string text)
    {
        var result = new StringBuilder();
        foreach (var single in GoText.Encode(text))
        {
            _ =
                char.IsAsciiLetterOrDigit((char)single) || single is (byte)'-' or (byte)'_' or (byte)'.' or (byte)'~'
                    ? result.Append((char)single)
                : single == ' ' ? result.Append('+')
                : result.Append('%').Append(single.ToString("X2", CultureInfo.InvariantCulture));
        }

        return result.ToString();
    }
}
