using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Mayfly.Agent.Templates.Values;

/// <summary>JSON as Go reads and writes it.</summary>
internal static class GoJson
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = GoPrint.MaxDepth };

    /// <summary>The value of a JSON text; numbers are floating-point, as Go's are.</summary>
    public static object? Parse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(GoText.Encode(text), Options);
            return Value(document.RootElement, static number => number.GetDouble());
        }
        catch (JsonException failure)
        {
            throw new FunctionException(
                $"invalid JSON in line {(failure.LineNumber ?? 0) + 1}, byte {(failure.BytePositionInLine ?? 0) + 1}"
            );
        }
    }

    /// <summary>A value of a reply; numbers stay as they were written.</summary>
    public static object? Value(JsonElement element) =>
        Value(element, static number => new JsonNumber(number.GetRawText()));

    private static object? Value(JsonElement element, Func<JsonElement, object> number)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var map = new GoMap();
                foreach (var member in element.EnumerateObject())
                {
                    map[member.Name] = Value(member.Value, number);
                }

                return map;
            case JsonValueKind.Array:
                return new GoSlice([.. element.EnumerateArray().Select(item => Value(item, number))]);
            case JsonValueKind.String:
                return Text(element);
            case JsonValueKind.Number:
                return number(element);
            case JsonValueKind.True:
                return true;
            case JsonValueKind.False:
                return false;
            default:
                return null;
        }
    }

    private static string Text(JsonElement element)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new FunctionException("invalid JSON: a string holds half of a surrogate pair");
        }
    }

    /// <summary>A value as JSON.</summary>
    /// <param name="value">What to write.</param>
    /// <param name="indent">Per level, for the pretty form; null for the short one.</param>
    /// <param name="escapesHtml">Whether &lt;, &gt; and &amp; are written as <c>\u003c</c> and so on.</param>
    public static string Write(object? value, string? indent, bool escapesHtml)
    {
        var result = new BoundedText();
        Write(result, value, indent, escapesHtml, 0);
        return result.ToString();
    }

    private static void Write(BoundedText result, object? value, string? indent, bool escapesHtml, int depth)
    {
        if (depth > GoPrint.MaxDepth)
        {
            throw new FunctionException($"the value is nested deeper than {GoPrint.MaxDepth} levels");
        }

        switch (value)
        {
            case null:
                result.Append("null");
                break;
            case string text:
                Quote(result, text, escapesHtml);
                break;
            case JsonNumber number:
                result.Append(number.Text);
                break;
            case double number:
                Float(result, number);
                break;
            case GoSlice slice:
                Members(
                    result,
                    '[',
                    ']',
                    slice.Items,
                    indent,
                    depth,
                    item => Write(result, item, indent, escapesHtml, depth + 1)
                );
                break;
            case GoMap map:
                Object(result, map, indent, escapesHtml, depth);
                break;
            case GoObject known:
                Object(result, known.Fields, indent, escapesHtml, depth);
                break;
            case bool or long or ulong:
                result.Append(GoPrint.Plain(value));
                break;
            default:
                throw new FunctionException($"unsupported type: {GoType.Name(value)}");
        }
    }

    private static void Object(
        BoundedText result,
        IReadOnlyCollection<KeyValuePair<string, object?>> members,
        string? indent,
        bool escapesHtml,
        int depth
    ) =>
        Members(
            result,
            '{',
            '}',
            members,
            indent,
            depth,
            member =>
            {
                Quote(result, member.Key, escapesHtml);
                result.Append(indent is null ? ":" : ": ");
                Write(result, member.Value, indent, escapesHtml, depth + 1);
            }
        );

    private static void Members<T>(
        BoundedText result,
        char open,
        char close,
        IReadOnlyCollection<T> members,
        string? indent,
        int depth,
        Action<T> write
    )
    {
        result.Append(open);
        var isFirst = true;
        foreach (var member in members)
        {
            result.Append(isFirst ? "" : ",");
            NewLine(result, indent, depth + 1);
            write(member);
            isFirst = false;
        }

        if (!isFirst)
        {
            NewLine(result, indent, depth);
        }

        result.Append(close);
    }

    private static void NewLine(BoundedText result, string? indent, int depth)
    {
        if (indent is null)
        {
            return;
        }

        result.Append('\n');
        for (var level = 0; level < depth; level++)
        {
            result.Append(indent);
        }
    }

    private static void Float(BoundedText result, double number)
    {
        if (!double.IsFinite(number))
        {
            throw new FunctionException("JSON has no number for infinity, or for what is none");
        }

        var magnitude = Math.Abs(number);
        var isScientific = magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21);
        var text = GoNumber.Format(number, isScientific ? 'e' : 'f', -1);
        // Go writes 1e-9, and not 1e-09.
        result.Append(isScientific ? text.Replace("e-0", "e-", StringComparison.Ordinal) : text);
    }

    private static void Quote(BoundedText result, string text, bool escapesHtml)
    {
        result.Append('"');
        foreach (var (rune, _) in new GoText.Runes(text))
        {
            // What is not UTF-8 becomes the replacement character, as it does in Go.
            result.Append(
                GoText.ShortEscape(rune.Value) ?? (IsEscaped(rune, escapesHtml) ? Code(rune) : rune.ToString())
            );
        }

        result.Append('"');
    }

    private static bool IsEscaped(Rune rune, bool escapesHtml) =>
        rune.Value is 0x2028 or 0x2029 or < 0x20 || (escapesHtml && rune.Value is '<' or '>' or '&');

    private static string Code(Rune rune) => "\\u" + rune.Value.ToString("x4", CultureInfo.InvariantCulture);
}
