using System.Globalization;
using System.Numerics;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Mayfly.Agent.Templates.Values;

/// <summary>YAML as Go's usual package reads and writes it.</summary>
internal static class GoYaml
{
    /// <summary>How many values a text may hold, counting what aliases repeat.</summary>
    private const int MaxValues = 1_000_000;

    /// <summary>The value of the first document of a YAML text.</summary>
    public static object? Parse(string text)
    {
        try
        {
            var reader = new Reader(new YamlDotNet.Core.Parser(new StringReader(text)));
            return reader.Document();
        }
        catch (YamlException failure)
        {
            // The library's own message can quote the text.
            throw new FunctionException($"invalid YAML in line {failure.Start.Line}, column {failure.Start.Column}");
        }
    }

    /// <summary>A value as YAML in block style, two spaces per level, keys sorted.</summary>
    public static string Write(object? value)
    {
        var result = new BoundedText();
        Write(result, value, "", 0);
        return result.ToString().TrimEnd('\n');
    }

    private sealed class Reader(IParser parser)
    {
        private readonly Dictionary<AnchorName, object?> _anchors = [];
        private int _values;

        public object? Document()
        {
            parser.Consume<StreamStart>();
            if (!parser.TryConsume<DocumentStart>(out _))
            {
                return null;
            }

            return Value(0);
        }

        private object? Value(int depth)
        {
            if (depth > GoPrint.MaxDepth || ++_values > MaxValues)
            {
                throw new FunctionException("the YAML is nested too deeply, or holds too many values");
            }

            if (parser.TryConsume<AnchorAlias>(out var alias))
            {
                return _anchors.TryGetValue(alias.Value, out var known)
                    ? known
                    : throw new FunctionException("the YAML refers to an anchor that is not there");
            }

            if (parser.TryConsume<Scalar>(out var scalar))
            {
                return Keep(scalar.Anchor, Resolve(scalar));
            }

            if (parser.TryConsume<SequenceStart>(out var sequence))
            {
                var items = new List<object?>();
                while (!parser.TryConsume<SequenceEnd>(out _))
                {
                    items.Add(Value(depth + 1));
                }

                return Keep(sequence.Anchor, new GoSlice(items));
            }

            var mapping = parser.Consume<MappingStart>();
            var map = new GoMap();
            var merged = new List<object?>();
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                var isMerge = parser.Accept<Scalar>(out var key) && key.Value == "<<" && key.Style == ScalarStyle.Plain;
                var name = GoPrint.Text(Value(depth + 1));
                var value = Value(depth + 1);
                if (isMerge)
                {
                    merged.Add(value);
                }
                else
                {
                    map[name] = value;
                }
            }

            foreach (
                var source in merged
                    .SelectMany(value => value is GoSlice several ? several.Items : [value])
                    .OfType<GoMap>()
            )
            {
                foreach (var (name, value) in source)
                {
                    map.TryAdd(name, value);
                }
            }

            return Keep(mapping.Anchor, map);
        }

        private object? Keep(AnchorName anchor, object? value)
        {
            if (!anchor.IsEmpty)
            {
                _anchors[anchor] = value;
            }

            return value;
        }
    }

    private static object? Resolve(Scalar scalar)
    {
        if (
            scalar.Style is not ScalarStyle.Plain
            || scalar.Tag is { IsEmpty: false, Value: "tag:yaml.org,2002:str" or "!!str" }
        )
        {
            return scalar.Value;
        }

        return Plain(scalar.Value);
    }

    /// <summary>What a plain scalar means.</summary>
    private static object? Plain(string text)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return null;
            // YAML 1.1, as the package reads it: yes and no are booleans too.
            case "true" or "True" or "TRUE" or "yes" or "Yes" or "YES" or "y" or "Y" or "on" or "On" or "ON":
                return true;
            case "false" or "False" or "FALSE" or "no" or "No" or "NO" or "n" or "N" or "off" or "Off" or "OFF":
                return false;
            case ".inf" or ".Inf" or ".INF" or "+.inf" or "+.Inf" or "+.INF":
                return double.PositiveInfinity;
            case "-.inf" or "-.Inf" or "-.INF":
                return double.NegativeInfinity;
            case ".nan" or ".NaN" or ".NAN":
                return double.NaN;
        }

        if (!char.IsAsciiDigit(text[0]) && text[0] is not ('-' or '+' or '.'))
        {
            return text;
        }

        return Whole(text) ?? (Fraction(text) is { } fraction ? fraction : text);
    }

    private static object? Whole(string text)
    {
        var negative = text[0] == '-';
        var digits = text[0] is '-' or '+' ? text[1..] : text;
        digits = digits.Replace("_", "", StringComparison.Ordinal);
        var (radix, skip) = digits switch
        {
            ['0', 'x', ..] => (16, 2),
            ['0', 'o', ..] => (8, 2),
            ['0', 'b', ..] => (2, 2),
            ['0', _, ..] => (8, 1),
            _ => (10, 0),
        };
        if (digits.Length <= skip)
        {
            return null;
        }

        BigInteger value = 0;
        foreach (var digit in digits.AsSpan(skip))
        {
            var number =
                char.IsAsciiDigit(digit) ? digit - '0'
                : char.IsAsciiHexDigit(digit) ? char.ToLowerInvariant(digit) - 'a' + 10
                : 99;
            if (number >= radix || value > ulong.MaxValue)
            {
                return null;
            }

            value = (value * radix) + number;
        }

        value = negative ? -value : value;
        object? signed = value >= long.MinValue && value <= long.MaxValue ? (long)value : null;
        object? unsigned = value >= 0 && value <= ulong.MaxValue ? (ulong)value : null;
        return signed ?? unsigned;
    }

    private static double? Fraction(string text)
    {
        const NumberStyles Style =
            NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return
            text.AsSpan().IndexOfAnyExceptInRange('+', '9') < 0
            || text.Contains('e', StringComparison.OrdinalIgnoreCase)
            ? double.TryParse(
                text.Replace("_", "", StringComparison.Ordinal),
                Style,
                CultureInfo.InvariantCulture,
                out var value
            )
                ? value
                : null
            : null;
    }

    private static void Write(BoundedText result, object? value, string indent, int depth)
    {
        if (depth > GoPrint.MaxDepth)
        {
            throw new FunctionException($"the value is nested deeper than {GoPrint.MaxDepth} levels");
        }

        switch (value)
        {
            case GoMap { Count: > 0 } map:
                Mapping(result, map, indent, depth);
                break;
            case GoObject known:
                Mapping(
                    result,
                    [.. known.Fields.Select(field => KeyValuePair.Create(field.Key.ToLowerInvariant(), field.Value))],
                    indent,
                    depth
                );
                break;
            case GoSlice { Items.Count: > 0 } slice:
                foreach (var item in slice.Items)
                {
                    result.Append(indent).Append("- ");
                    Nested(result, item, indent + "  ", depth);
                }

                break;
            default:
                result.Append(Scalar(value, indent)).Append('\n');
                break;
        }
    }

    private static void Mapping(
        BoundedText result,
        IReadOnlyCollection<KeyValuePair<string, object?>> map,
        string indent,
        int depth
    )
    {
        foreach (var (key, value) in map)
        {
            result.Append(indent).Append(Text(key, indent, isKey: true)).Append(':');
            switch (value)
            {
                case GoMap { Count: > 0 } or GoObject:
                    result.Append('\n');
                    Write(result, value, indent + "  ", depth + 1);
                    break;
                case GoSlice { Items.Count: > 0 }:
                    // The dashes of a sequence stand below its key.
                    result.Append('\n');
                    Write(result, value, indent, depth + 1);
                    break;
                default:
                    result.Append(' ');
                    Write(result, value, indent, depth + 1);
                    break;
            }
        }
    }

    /// <summary>An item behind its dash: the first line goes on there.</summary>
    private static void Nested(BoundedText result, object? value, string indent, int depth)
    {
        var inner = new BoundedText();
        Write(inner, value, indent, depth + 1);
        var text = inner.ToString();
        result.Append(
            text.StartsWith(indent, StringComparison.Ordinal) && value is GoMap or GoSlice or GoObject
                ? text[Math.Min(indent.Length, text.Length)..]
                : text
        );
    }

    private static string Scalar(object? value, string indent) =>
        value switch
        {
            null => "null",
            GoMap => "{}",
            GoSlice => "[]",
            string text => Text(text, indent, isKey: false),
            double.PositiveInfinity => ".inf",
            double.NegativeInfinity => "-.inf",
            double number => double.IsNaN(number) ? ".nan" : GoNumber.Format(number, 'g', -1),
            JsonNumber number => number.Text,
            bool or long or ulong => GoPrint.Plain(value),
            _ => throw new FunctionException($"cannot write a value of type {GoType.Name(value)} as YAML"),
        };

    private static string Text(string text, string indent, bool isKey)
    {
        if (!isKey && text.Contains('\n', StringComparison.Ordinal) && IsBlock(text))
        {
            return Block(text, indent);
        }

        return text.Length == 0
            || text.Any(character =>
                char.IsControl(character)
                || char.IsSurrogate(character) && !char.IsHighSurrogate(character) && !char.IsLowSurrogate(character)
            )
                ? GoPrint.Quote(text)
            : IsAmbiguous(text) ? GoPrint.Quote(text)
            : NeedsQuotes(text) ? $"'{text.Replace("'", "''", StringComparison.Ordinal)}'"
            : text;
    }

    private static bool IsBlock(string text) =>
        !text.StartsWith(' ')
        && !text.StartsWith('\n')
        && !text.Any(character => char.IsControl(character) && character is not ('\n' or '\t'))
        && !text.Split('\n').Any(line => line.EndsWith(' '));

    private static string Block(string text, string indent)
    {
        var chomp =
            !text.EndsWith('\n') ? "-"
            : text.EndsWith("\n\n", StringComparison.Ordinal) ? "+"
            : "";
        var body = text.EndsWith('\n') ? text[..^1] : text;
        var result = new StringBuilder("|").Append(chomp);
        foreach (var line in body.Split('\n'))
        {
            result.Append('\n').Append(line.Length > 0 ? indent + "  " + line : "");
        }

        return result.ToString();
    }

    /// <summary>Would be read as something other than text, also by readers of YAML 1.1.</summary>
    private static bool IsAmbiguous(string text) =>
        Plain(text) is not string
        || text is "<<" or "="
        || IsDate(text)
        || text.Contains(':', StringComparison.Ordinal)
            && text.All(character => char.IsAsciiDigit(character) || character is ':' or '.');

    private static bool IsDate(string text) =>
        text.Length >= 8
        && char.IsAsciiDigit(text[0])
        && text.Count('-') >= 2
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _);

    private static bool NeedsQuotes(string text) =>
        text[0] is '-' or '?' or ':' && (text.Length == 1 || text[1] == ' ')
        || "&*!|>'\"%@`#,[]{}".Contains(text[0], StringComparison.Ordinal)
        || text.StartsWith("---", StringComparison.Ordinal)
        || text.StartsWith("...", StringComparison.Ordinal)
        || char.IsWhiteSpace(text[0])
        || char.IsWhiteSpace(text[^1])
        || text.EndsWith(':')
        || text.Contains(": ", StringComparison.Ordinal)
        || text.Contains(" #", StringComparison.Ordinal);
}
