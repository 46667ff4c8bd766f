using System.Globalization;

namespace Mayfly.Agent.Templates.Values;

/// <summary>Values with their types and sizes, for whoever looks for a mistake in a template.</summary>
internal static class GoSpew
{
    public static string Dump(object? value)
    {
        var result = new BoundedText();
        Write(result, value, "", 0);
        return result.Append('\n').ToString();
    }

    private static void Write(BoundedText result, object? value, string indent, int depth)
    {
        if (depth > GoPrint.MaxDepth)
        {
            throw new FunctionException($"the value is nested deeper than {GoPrint.MaxDepth} levels");
        }

        switch (value)
        {
            case null:
                result.Append("(interface {}) <nil>");
                break;
            case string or JsonNumber:
                var text = GoPrint.Plain(value);
                result.Append($"({GoType.Name(value)}) (len={GoText.Length(text)}) {GoPrint.Quote(text)}");
                break;
            case GoSlice slice:
                result.Append($"({GoType.Name(value)}) (len={slice.Items.Count} cap={slice.Items.Count}) {{");
                Members(result, slice.Items.Select(item => ("", item)), slice.Items.Count, indent, depth);
                break;
            case GoMap map:
                result.Append($"({GoType.Name(value)}) (len={map.Count.ToString(CultureInfo.InvariantCulture)}) {{");
                Members(
                    result,
                    map.Select(item =>
                        ($"(string) (len={GoText.Length(item.Key)}) {GoPrint.Quote(item.Key)}: ", item.Value)
                    ),
                    map.Count,
                    indent,
                    depth
                );
                break;
            case GoObject known:
                result.Append($"({GoType.Name(value)})({{");
                Members(
                    result,
                    known.Fields.Select(field => (field.Key + ": ", field.Value)),
                    known.Fields.Count,
                    indent,
                    depth
                );
                result.Append(')');
                break;
            default:
                result.Append($"({GoType.Name(value)}) {GoPrint.Plain(value)}");
                break;
        }
    }

    private static void Members(
        BoundedText result,
        IEnumerable<(string Label, object? Value)> members,
        int count,
        string indent,
        int depth
    )
    {
        foreach (var (label, value) in members)
        {
            result.Append('\n').Append(indent).Append(' ').Append(label);
            Write(result, value, indent + " ", depth + 1);
            result.Append(--count > 0 ? "," : "");
        }

        result.Append('\n').Append(indent).Append('}');
    }
}
