using System.Text;

namespace Mayfly.Agent.Templates.Values;

/// <summary>Values as TOML: plain keys first, then tables, two spaces per level.</summary>
internal static class GoToml
{
    public static string Write(object? value)
    {
        if (value is not GoMap map)
        {
            throw new FunctionException($"TOML begins with a map, not with a value of type {GoType.Name(value)}");
        }

        var result = new BoundedText();
        Table(result, map, "", "", 0);
        return result.ToString().TrimEnd('\n');
    }

    private static void Table(BoundedText result, GoMap map, string path, string indent, int depth)
    {
        if (depth > GoPrint.MaxDepth)
        {
            throw new FunctionException($"the value is nested deeper than {GoPrint.MaxDepth} levels");
        }

        foreach (var (key, value) in map.Where(entry => entry.Value is not null && !IsTable(entry.Value)))
        {
            result.Append(indent).Append(Key(key)).Append(" = ");
            Value(result, value, depth);
            result.Append('\n');
        }

        foreach (var (key, value) in map.Where(entry => IsTable(entry.Value)))
        {
            var name = path.Length == 0 ? Key(key) : $"{path}.{Key(key)}";
            foreach (var table in value is GoMap single ? [single] : ((GoSlice)value!).Items.Cast<GoMap>())
            {
                result
                    .Append(result.Length > 0 ? "\n" : "")
                    .Append(indent)
                    .Append(value is GoMap ? $"[{name}]" : $"[[{name}]]")
                    .Append('\n');
                Table(result, table, name, indent + "  ", depth + 1);
            }
        }
    }

    private static bool IsTable(object? value) =>
        value is GoMap or GoSlice { Items: [GoMap, ..] }
        && (value is GoMap || ((GoSlice)value).Items.All(item => item is GoMap));

    private static void Value(BoundedText result, object? value, int depth)
    {
        switch (value)
        {
            case string text:
                result.Append(Quote(text));
                break;
            case JsonNumber number:
                result.Append(number.Text);
                break;
            case double number:
                var written = GoNumber.Format(number, 'g', -1);
                result.Append(
                    written.AsSpan().IndexOfAny('.', 'e', 'n') < 0 && double.IsFinite(number)
                        ? written + ".0"
                        : written.ToLowerInvariant()
                );
                break;
            case bool or long or ulong:
                result.Append(GoPrint.Plain(value));
                break;
            case GoSlice slice when depth < GoPrint.MaxDepth:
                result.Append('[');
                for (var index = 0; index < slice.Items.Count; index++)
                {
                    result.Append(index > 0 ? ", " : "");
                    Value(result, slice.Items[index], depth + 1);
                }

                result.Append(']');
                break;
            default:
                throw new FunctionException($"cannot write a value of type {GoType.Name(value)} as TOML here");
        }
    }

    private static string Key(string key) =>
        key.Length > 0 && key.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-')
            ? key
            : Quote(key);

    private static string Quote(string text)
    {
        var result = new StringBuilder().Append('"');
        foreach (var character in text)
        {
            result.Append(
                GoText.ShortEscape(character)
                    ?? (character is < ' ' or '\u007F' ? $"\\u{(int)character:X4}" : character.ToString())
            );
        }

        return result.Append('"').ToString();
    }
}
