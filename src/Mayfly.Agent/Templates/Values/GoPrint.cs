using System.Globalization;
using System.Text;

namespace Mayfly.Agent.Templates.Values;

/// <summary>Values as Go's <c>fmt</c> prints them by default: <c>map[a:1 b:2]</c>, <c>[x y]</c>.</summary>
internal static class GoPrint
{
    /// <summary>How deep values may be nested: a map can be put into itself.</summary>
    public const int MaxDepth = 100;

    /// <summary>One value, as <c>%v</c>.</summary>
    public static string Text(object? value)
    {
        if (value is string text)
        {
            return text;
        }

        var result = new BoundedText();
        Append(result, value, Plain, 0);
        return result.ToString();
    }

    /// <summary>Values as <c>Sprint</c> joins them: with a space between two when neither is text.</summary>
    public static string Join(ReadOnlySpan<object?> values)
    {
        var result = new BoundedText();
        for (var index = 0; index < values.Length; index++)
        {
            if (index > 0 && values[index] is not string && values[index - 1] is not string)
            {
                result.Append(' ');
            }

            result.Append(Text(values[index]));
        }

        return result.ToString();
    }

    /// <summary>Values as <c>Sprintln</c> joins them.</summary>
    public static string Line(ReadOnlySpan<object?> values)
    {
        var result = new BoundedText();
        for (var index = 0; index < values.Length; index++)
        {
            result.Append(index > 0 ? " " : "").Append(Text(values[index]));
        }

        return result.Append('\n').ToString();
    }

    /// <summary>A value without parts.</summary>
    public static string Plain(object? value) =>
        value switch
        {
            null => "<nil>",
            bool truth => truth ? "true" : "false",
            long number => number.ToString(CultureInfo.InvariantCulture),
            ulong number => number.ToString(CultureInfo.InvariantCulture),
            double number => GoNumber.Format(number, 'g', -1),
            string text => text,
            JsonNumber number => number.Text,
            _ => "(" + GoType.Name(value) + ")",
        };

    /// <summary>A value, of which <paramref name="leaf"/> writes the parts that have none.</summary>
    public static void Append(BoundedText result, object? value, Func<object?, string> leaf, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new FunctionException($"the value is nested deeper than {MaxDepth} levels");
        }

        var isFirst = true;
        switch (value)
        {
            case GoSlice slice:
                result.Append('[');
                foreach (var item in slice.Items)
                {
                    result.Append(isFirst ? "" : " ");
                    Append(result, item, leaf, depth + 1);
                    isFirst = false;
                }

                result.Append(']');
                break;
            case GoMap map:
                result.Append("map[");
                foreach (var (key, item) in map)
                {
                    result.Append(isFirst ? "" : " ").Append(leaf(key)).Append(':');
                    Append(result, item, leaf, depth + 1);
                    isFirst = false;
                }

                result.Append(']');
                break;
            case GoObject known:
                result.Append(depth == 0 ? "&{" : "{");
                foreach (var (_, item) in known.Fields)
                {
                    result.Append(isFirst ? "" : " ");
                    Append(result, item, leaf, depth + 1);
                    isFirst = false;
                }

                result.Append('}');
                break;
            default:
                result.Append(leaf(value));
                break;
        }
    }

    /// <summary>Text in quotes, with escapes, as <c>%q</c>.</summary>
    public static string Quote(string text, char quote = '"', bool ascii = false)
    {
        var result = new StringBuilder().Append(quote);
        foreach (var (rune, raw) in new GoText.Runes(text))
        {
            if (raw is { } single)
            {
                result.Append("\\x").Append(single.ToString("x2", CultureInfo.InvariantCulture));
            }
            else
            {
                Escape(result, rune, quote, ascii);
            }
        }

        return result.Append(quote).ToString();
    }

    private static void Escape(StringBuilder result, Rune rune, char quote, bool ascii)
    {
        var value = rune.Value;
        var simple = value < 128 ? "\a\b\f\n\r\t\v\\".IndexOf((char)value, StringComparison.Ordinal) : -1;
        if (simple >= 0)
        {
            result.Append('\\').Append("abfnrtv\\"[simple]);
        }
        else if (value == quote)
        {
            result.Append('\\').Append(quote);
        }
        else if (IsPrintable(rune) && (!ascii || value < 128))
        {
            result.Append(rune.ToString());
        }
        else
        {
            result.Append(
                value switch
                {
                    < 0x80 => $"\\x{value:x2}",
                    < 0x10000 => $"\\u{value:x4}",
                    _ => $"\\U{value:x8}",
                }
            );
        }
    }

    private static bool IsPrintable(Rune rune) =>
        rune.Value == ' '
        || Rune.GetUnicodeCategory(rune)
            is not (
                UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.Surrogate
                or UnicodeCategory.PrivateUse
                or UnicodeCategory.OtherNotAssigned
                or UnicodeCategory.SpaceSeparator
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
            );
}
