using System.Text.Json;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Policy;

/// <summary>The server's explanation, for people.</summary>
internal static class ExplanationText
{
    public static void Write(Printer print, string path, string operation, JsonElement data)
    {
        var allowed = SecretRows.Member(data, "allowed").ValueKind == JsonValueKind.True;
        print.Line($"{(allowed ? "Allowed" : "Denied")}: {operation} {path}");
        foreach (var member in data.EnumerateObject())
        {
            if (member.Name is "allowed" or "path" or "operation")
            {
                continue;
            }

            print.Line("");
            print.Line(member.Name.Replace('_', ' '));
            Write(print, member.Value, indent: 2);
        }
    }

    private static void Write(Printer print, JsonElement value, int indent)
    {
        var margin = new string(' ', indent);
        switch (value.ValueKind)
        {
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                {
                    print.Line(margin + "- " + OneLine(item));
                }

                break;
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    print.Line($"{margin}{member.Name.Replace('_', ' ')}: {OneLine(member.Value)}");
                }

                break;
            default:
                print.Line(margin + PlainText.Of(value));
                break;
        }
    }

    private static string OneLine(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Object)
        {
            return string.Join(", ", value.EnumerateObject().Select(static m => $"{m.Name}: {OneLine(m.Value)}"));
        }

        return value.ValueKind == JsonValueKind.Array
            ? string.Join(", ", value.EnumerateArray().Select(OneLine))
            : PlainText.Of(value);
    }
}
