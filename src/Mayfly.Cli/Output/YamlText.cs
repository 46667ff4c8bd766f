using System.Text;
using System.Text.Json;

namespace Mayfly.Cli.Output;

/// <summary>JSON rewritten as YAML in block style. Whatever plain YAML could read as something else is quoted.</summary>
internal static class YamlText
{
    public static string Of(JsonElement value)
    {
        var text = new StringBuilder();
        if (IsBlock(value))
        {
            Block(text, value, indent: 0, afterDash: false);
        }
        else
        {
            Scalar(text, value, indent: 0);
            text.Append('\n');
        }

        return text.ToString().TrimEnd('\n');
    }

    private static bool IsBlock(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Object => value.EnumerateObject().MoveNext(),
            JsonValueKind.Array => value.GetArrayLength() > 0,
            _ => false,
        };

    private static void Block(StringBuilder text, JsonElement value, int indent, bool afterDash)
    {
        if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in value.EnumerateArray())
            {
                Indent(text, indent, ref afterDash);
                text.Append('-');
                Value(text, item, indent, nested: indent + 2, isItem: true);
            }

            return;
        }

        foreach (var member in value.EnumerateObject())
        {
            Indent(text, indent, ref afterDash);
            Text(text, member.Name, isKey: true, indent);
            text.Append(':');
            // Sequences stand at the same column as their key, as most YAML writers have it.
            var nested = member.Value.ValueKind == JsonValueKind.Array ? indent : indent + 2;
            Value(text, member.Value, indent, nested, isItem: false);
        }
    }

    private static void Value(StringBuilder text, JsonElement value, int indent, int nested, bool isItem)
    {
        if (!IsBlock(value))
        {
            text.Append(' ');
            Scalar(text, value, indent);
            text.Append('\n');
        }
        else if (isItem)
        {
            text.Append(' ');
            Block(text, value, nested, afterDash: true);
        }
        else
        {
            text.Append('\n');
            Block(text, value, nested, afterDash: false);
        }
    }

    private static void Indent(StringBuilder text, int indent, ref bool afterDash)
    {
        if (!afterDash)
        {
            text.Append(' ', indent);
        }

        afterDash = false;
    }

    private static void Scalar(StringBuilder text, JsonElement value, int indent)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                text.Append("{}");
                break;
            case JsonValueKind.Array:
                text.Append("[]");
                break;
            case JsonValueKind.String:
                Text(text, PlainText.Text(value), isKey: false, indent);
                break;
            case JsonValueKind.Number:
                text.Append(value.GetRawText());
                break;
            case JsonValueKind.True:
                text.Append("true");
                break;
            case JsonValueKind.False:
                text.Append("false");
                break;
            default:
                text.Append("null");
                break;
        }
    }

    private static void Text(StringBuilder text, string value, bool isKey, int indent)
    {
        if (!isKey && IsLiteralBlock(value))
        {
            text.Append(value.EndsWith('\n') ? "|" : "|-");
            foreach (var line in value.TrimEnd('\n').Split('\n'))
            {
                text.Append('\n');
                if (line.Length > 0)
                {
                    text.Append(' ', indent + 2).Append(line);
                }
            }
        }
        else if (IsPlain(value))
        {
            text.Append(value);
        }
        else
        {
            Quoted(text, value);
        }
    }

    // Policies and certificates are read by people; anything with odd white space or control characters is quoted.
    private static bool IsLiteralBlock(string value)
    {
        if (value.Length == 0 || !value.AsSpan(0, value.Length - 1).Contains('\n') || value[0] is ' ' or '\n' or '\t')
        {
            return false;
        }

        if (value.EndsWith("\n\n", StringComparison.Ordinal))
        {
            return false;
        }

        foreach (var character in value)
        {
            if (character != '\n' && !IsPrintable(character))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsPlain(string value)
    {
        if (value.Length == 0 || value.Length > 1024)
        {
            return false;
        }

        // A word that begins with a letter or slash and holds only harmless characters, and is no keyword, is safe
        // in every version of YAML. Everything that looks like a number, a date or syntax is quoted.
        if (!char.IsAsciiLetter(value[0]) && value[0] != '/' && value[0] != '_')
        {
            return false;
        }

        foreach (var character in value)
        {
            if (!char.IsAsciiLetterOrDigit(character) && !"/_-.+@ ".Contains(character, StringComparison.Ordinal))
            {
                return false;
            }
        }

        return value[^1] != ' '
            && value.ToLowerInvariant()
                is not ("null" or "true" or "false" or "yes" or "no" or "on" or "off" or "y" or "n" or "nan" or "inf");
    }

    private static bool IsPrintable(char character) =>
        character is >= ' ' and < '\x7f' or >= '\xa1' and not '\ufeff'
        && !char.IsSurrogate(character)
        && character is not ('\u2028' or '\u2029' or '\ufffe' or '\uffff');

    private static void Quoted(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var character in value)
        {
            switch (character)
            {
                case '"':
                    text.Append("\\\"");
                    break;
                case '\\':
                    text.Append("\\\\");
                    break;
                case '\n':
                    text.Append("\\n");
                    break;
                case '\t':
                    text.Append("\\t");
                    break;
                case '\r':
                    text.Append("\\r");
                    break;
                default:
                    if (IsPrintable(character) || char.IsSurrogate(character))
                    {
                        text.Append(character);
                    }
                    else
                    {
                        text.Append("\\u").Append(((int)character).ToString("x4"));
                    }

                    break;
            }
        }

        text.Append('"');
    }
}
