using System.Globalization;
using System.Security.Cryptography;
using Mayfly.Agent.Templates.Values;
using static Mayfly.Agent.Templates.Functions.Define;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>
/// The functions of the Sprig collection (https://masterminds.github.io/sprig/) that configuration files use: text, lists,
/// dictionaries, defaults, numbers. What makes keys or random values is not among them: the server is there for that.
/// </summary>
internal static class SprigFunctions
{
    public static IEnumerable<TemplateFunction> All { get; } =
    [
        .. Strings()
            .Concat(Defaults())
            .Concat(Lists())
            .Concat(Dictionaries())
            .Concat(Numbers())
            .Select(function => function with { Name = "sprig_" + function.Name }),
    ];

    private static IEnumerable<TemplateFunction> Strings() =>
        [
            Text("trim", text => text.Trim()),
            Text("trimAll", (cutset, text) => TextFunctions.Trim(text, cutset)),
            Text("trimPrefix", TextFunctions.TrimPrefix),
            Text("trimSuffix", TextFunctions.TrimSuffix),
            Text("upper", text => text.ToUpperInvariant()),
            Text("lower", text => text.ToLowerInvariant()),
            Text("title", TextFunctions.Title),
            Text("nospace", text => string.Concat(text.Where(character => !char.IsWhiteSpace(character)))),
            Text("contains", (part, text) => text.Contains(part, StringComparison.Ordinal)),
            Text("hasPrefix", (prefix, text) => text.StartsWith(prefix, StringComparison.Ordinal)),
            Text("hasSuffix", (suffix, text) => text.EndsWith(suffix, StringComparison.Ordinal)),
            Function("repeat", [Kind.Integer, Kind.String], given => Repeat((long)given[0]!, (string)given[1]!)),
            Function(
                "substr",
                [Kind.Integer, Kind.Integer, Kind.String],
                given => Part((long)given[0]!, (long)given[1]!, (string)given[2]!)
            ),
            Function("trunc", [Kind.Integer, Kind.String], given => Truncated((long)given[0]!, (string)given[1]!)),
            Function(
                "replace",
                [Kind.String, Kind.String, Kind.String],
                given => TextFunctions.ReplaceAll((string)given[0]!, (string)given[1]!, (string)given[2]!)
            ),
            Function("indent", [Kind.Integer, Kind.String], given => Indent((long)given[0]!, (string)given[1]!)),
            Function(
                "nindent",
                [Kind.Integer, Kind.String],
                given => "\n" + Indent((long)given[0]!, (string)given[1]!)
            ),
            Variadic(
                "cat",
                [],
                Kind.Any,
                given => string.Join(' ', given.Where(value => value is not null).Select(GoPrint.Text))
            ),
            Variadic(
                "quote",
                [],
                Kind.Any,
                given =>
                    string.Join(
                        ' ',
                        given.Where(value => value is not null).Select(value => GoPrint.Quote(GoPrint.Text(value)))
                    )
            ),
            Variadic(
                "squote",
                [],
                Kind.Any,
                given =>
                    string.Join(
                        ' ',
                        given.Where(value => value is not null).Select(value => $"'{GoPrint.Text(value)}'")
                    )
            ),
            Text(
                "splitList",
                (separator, text) =>
                    GoSlice.Of(
                        separator.Length == 0
                            ? text.EnumerateRunes().Select(rune => rune.ToString())
                            : text.Split(separator)
                    )
            ),
            Function("join", [Kind.String, Kind.Any], given => Join((string)given[0]!, given[1])),
            Text("b64enc", text => Convert.ToBase64String(GoText.Encode(text))),
            Text("sha256sum", text => Convert.ToHexStringLower(SHA256.HashData(GoText.Encode(text)))),
            Value("toString", GoPrint.Text),
            Value("toJson", value => GoJson.Write(value, indent: null, escapesHtml: true)),
            Value("toPrettyJson", value => GoJson.Write(value, "  ", escapesHtml: true)),
            Value("toRawJson", value => GoJson.Write(value, indent: null, escapesHtml: false)),
            Text("fromJson", GoJson.Parse),
            Value("typeOf", GoType.Name),
        ];

    private static IEnumerable<TemplateFunction> Defaults() =>
        [
            Variadic(
                "default",
                [Kind.Any],
                Kind.Any,
                given => given.Length > 1 && GoType.IsTrue(given[1]) ? given[1] : given[0]
            ),
            Value("empty", value => !GoType.IsTrue(value)),
            Variadic("coalesce", [], Kind.Any, given => given.FirstOrDefault(GoType.IsTrue)),
            Variadic("all", [], Kind.Any, given => given.All(GoType.IsTrue)),
            Variadic("any", [], Kind.Any, given => given.Any(GoType.IsTrue)),
            Function("ternary", [Kind.Any, Kind.Any, Kind.Boolean], given => (bool)given[2]! ? given[0] : given[1]),
            // Its text may hold a value, and the message may not.
            Text("fail", _ => throw new FunctionException("the template gives up")),
        ];

    private static IEnumerable<TemplateFunction> Lists() =>
        [
            Variadic("list", [], Kind.Any, given => new GoSlice(given)),
            Function("first", [Kind.List], given => Items(given[0]) is [var item, ..] ? item : null),
            Function("last", [Kind.List], given => Items(given[0]) is [.., var item] ? item : null),
            Function("rest", [Kind.List], given => new GoSlice([.. Items(given[0]).Skip(1)])),
            Function("initial", [Kind.List], given => new GoSlice([.. Items(given[0]).SkipLast(1)])),
            Function("append", [Kind.List, Kind.Any], given => new GoSlice([.. Items(given[0]), given[1]])),
            Function("prepend", [Kind.List, Kind.Any], given => new GoSlice([given[1], .. Items(given[0])])),
            Variadic("concat", [], Kind.List, given => new GoSlice([.. given.SelectMany(Items)])),
            Function("reverse", [Kind.List], given => new GoSlice([.. Items(given[0]).Reverse()])),
            Function("uniq", [Kind.List], given => new GoSlice(Unique(Items(given[0])))),
            Function("compact", [Kind.List], given => new GoSlice([.. Items(given[0]).Where(GoType.IsTrue)])),
            Function(
                "sortAlpha",
                [Kind.List],
                given => GoSlice.Of(Items(given[0]).Select(GoPrint.Text).Order(StringComparer.Ordinal))
            ),
            Function(
                "has",
                [Kind.Any, Kind.List],
                given => Items(given[1]).Any(item => CollectionFunctions.IsSame(item, given[0]))
            ),
            Variadic(
                "without",
                [Kind.List],
                Kind.Any,
                given => new GoSlice([
                    .. Items(given[0])
                        .Where(item => !given.Skip(1).Any(other => CollectionFunctions.IsSame(item, other))),
                ])
            ),
            Function("until", [Kind.Integer], given => new GoRange(0, (long)given[0]!)),
        ];

    private static IEnumerable<TemplateFunction> Dictionaries() =>
        [
            Variadic("dict", [], Kind.Any, Dictionary),
            Function("get", [Kind.Map, Kind.String], given => Map(given[0]).GetValueOrDefault((string)given[1]!) ?? ""),
            Function("hasKey", [Kind.Map, Kind.String], given => Map(given[0]).ContainsKey((string)given[1]!)),
            Variadic("keys", [], Kind.Map, given => GoSlice.Of(given.SelectMany(map => Map(map).Keys))),
            Function("values", [Kind.Map], given => new GoSlice([.. Map(given[0]).Values])),
            Variadic(
                "pick",
                [Kind.Map],
                Kind.String,
                given => Chosen(Map(given[0]), key => given.Skip(1).Contains(key))
            ),
            Variadic(
                "omit",
                [Kind.Map],
                Kind.String,
                given => Chosen(Map(given[0]), key => !given.Skip(1).Contains(key))
            ),
        ];

    private static IEnumerable<TemplateFunction> Numbers() =>
        [
            Value("int", value => Whole(value)),
            Value("int64", value => Whole(value)),
            Text(
                "atoi",
                text =>
                    long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                        ? number
                        : 0L
            ),
            Value(
                "float64",
                value =>
                    value is string text
                        ? double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                            ? number
                            : 0.0
                        : Arithmetic.Float(value)
            ),
            Variadic("add", [], Kind.Any, given => given.Aggregate(0L, (sum, value) => unchecked(sum + Whole(value)))),
            Value("add1", value => unchecked(Whole(value) + 1)),
            Function("sub", [Kind.Any, Kind.Any], given => unchecked(Whole(given[0]) - Whole(given[1]))),
            Variadic(
                "mul",
                [Kind.Any],
                Kind.Any,
                given => given.Aggregate(1L, (product, value) => unchecked(product * Whole(value)))
            ),
            Function(
                "div",
                [Kind.Any, Kind.Any],
                given => Divided(given, (left, right) => right == -1 ? unchecked(-left) : left / right)
            ),
            Function(
                "mod",
                [Kind.Any, Kind.Any],
                given => Divided(given, (left, right) => right == -1 ? 0 : left % right)
            ),
            Variadic("max", [Kind.Any], Kind.Any, given => given.Max(Whole)),
            Variadic("min", [Kind.Any], Kind.Any, given => given.Min(Whole)),
        ];

    private static string Repeat(long count, string text)
    {
        var result = new BoundedText();
        for (var turn = 0L; turn < count && text.Length > 0; turn++)
        {
            result.Append(text);
        }

        return result.ToString();
    }

    private static string Part(long from, long to, string text)
    {
        var bytes = GoText.Encode(text);
        var start = (int)Math.Clamp(from, 0, bytes.Length);
        var end = to < 0 || to > bytes.Length ? bytes.Length : (int)to;
        return GoText.Decode(bytes.AsSpan(start, Math.Max(0, end - start)));
    }

    private static string Truncated(long count, string text)
    {
        var bytes = GoText.Encode(text);
        return count >= 0
            ? GoText.Decode(bytes.AsSpan(0, (int)Math.Min(count, bytes.Length)))
            : GoText.Decode(bytes.AsSpan((int)Math.Max(0, bytes.Length + Math.Max(count, -bytes.Length))));
    }

    /// <summary>Spaces before every line, empty ones too.</summary>
    private static string Indent(long spaces, string text)
    {
        if (spaces is < 0 or > 1024)
        {
            throw new FunctionException("the indent has to be between 0 and 1024");
        }

        var pad = new string(' ', (int)spaces);
        return new BoundedText().Append(pad).Append(TextFunctions.ReplaceAll("\n", "\n" + pad, text)).ToString();
    }

    private static string Join(string separator, object? list)
    {
        var result = new BoundedText();
        var isFirst = true;
        foreach (
            var item in list is GoSlice slice ? slice.Items
            : list is null ? []
            : [list]
        )
        {
            result.Append(isFirst ? "" : separator).Append(GoPrint.Text(item));
            isFirst = false;
        }

        return result.ToString();
    }

    private static IReadOnlyList<object?> Items(object? list) => (list as GoSlice)?.Items ?? [];

    private static GoMap Map(object? map) => map as GoMap ?? [];

    private static List<object?> Unique(IReadOnlyList<object?> items)
    {
        var unique = new List<object?>();
        foreach (var item in items)
        {
            if (!unique.Exists(known => CollectionFunctions.IsSame(known, item)))
            {
                unique.Add(item);
            }
        }

        return unique;
    }

    private static GoMap Dictionary(object?[] given)
    {
        var map = new GoMap();
        for (var index = 0; index < given.Length; index += 2)
        {
            map[GoPrint.Text(given[index])] = index + 1 < given.Length ? given[index + 1] : "";
        }

        return map;
    }

    private static GoMap Chosen(GoMap map, Func<string, bool> isWanted)
    {
        var chosen = new GoMap();
        foreach (var (key, value) in map.Where(entry => isWanted(entry.Key)))
        {
            chosen[key] = value;
        }

        return chosen;
    }

    private static long Whole(object? value) =>
        value switch
        {
            null => 0,
            bool truth => truth ? 1 : 0,
            string text => long.TryParse(
                text,
                NumberStyles.AllowLeadingSign,
                CultureInfo.InvariantCulture,
                out var number
            )
                ? number
                : 0,
            _ => Arithmetic.Number(value) is long whole ? whole : (long)Arithmetic.Float(value),
        };

    private static long Divided(object?[] given, Func<long, long, long> divide)
    {
        var right = Whole(given[1]);
        return right == 0 ? throw new FunctionException("division by zero") : divide(Whole(given[0]), right);
    }
}
