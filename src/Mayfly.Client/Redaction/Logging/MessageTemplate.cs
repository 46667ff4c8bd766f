using System.Collections;
using System.Globalization;
using System.Text;

namespace Mayfly.Client.Redaction.Logging;

/// <summary>Where the fields of a log's entry stand in its message.</summary>
internal static class MessageTemplate
{
    /// <summary>The field that holds the template.</summary>
    public const string Key = "{OriginalFormat}";

    /// <summary>Where each field stands, in order; null when the message was not made from the template in the usual way.</summary>
    public static List<(int Start, int End)>? Holes(KeyValuePair<string, object?>[] fields, string message)
    {
        if (fields is not [.., { Key: Key, Value: string template }])
        {
            return null;
        }

        var text = new StringBuilder();
        var holes = new List<(int Start, int End)>();
        for (var at = 0; at < template.Length; at++)
        {
            var c = template[at];
            if (c is '{' or '}' && at + 1 < template.Length && template[at + 1] == c)
            {
                at++;
            }
            else if (c == '{')
            {
                var end = template.IndexOf('}', at);
                if (end < 0 || holes.Count >= fields.Length - 1)
                {
                    return null;
                }

                var start = text.Length;
                text.Append(Format(template[(at + 1)..end], fields[holes.Count].Value));
                holes.Add((start, text.Length));
                at = end;
                continue;
            }

            text.Append(c);
        }

        return text.Equals(message) ? holes : null;
    }

    /// <summary>Some place where the text of a field stands in the message is one where a secret was found.</summary>
    public static bool IsPartOf(string message, object? value, List<(int Start, int End)> found)
    {
        var text = Text(value);
        for (
            var at = text.Length == 0 ? -1 : message.IndexOf(text, StringComparison.Ordinal);
            at >= 0;
            at = message.IndexOf(text, at + 1, StringComparison.Ordinal)
        )
        {
            if (found.Exists(range => at < range.End && at + text.Length > range.Start))
            {
                return true;
            }
        }

        return false;
    }

    private static string Format(string hole, object? value)
    {
        var format = hole.IndexOfAny([',', ':']) is >= 0 and var at ? $"{{0{hole[at..]}}}" : "{0}";
        try
        {
            return string.Format(
                CultureInfo.InvariantCulture,
                format,
                value is null or string or not IEnumerable ? value ?? "(null)" : Text(value)
            );
        }
        catch (FormatException)
        {
            return "";
        }
    }

    private static string Text(object? value) =>
        value switch
        {
            null => "(null)",
            string text => text,
            IEnumerable items => string.Join(", ", items.Cast<object?>().Select(item => item ?? "(null)")),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
        };
}
