using System.Text;
using System.Text.Json;
using Mayfly.Client;

namespace Mayfly.Cli.Output;

/// <summary>Writes results to standard output in the chosen format, and remarks to standard error.</summary>
internal sealed class Printer(Session session, OutputFormat format)
{
    private const string Yellow = "\e[33m";
    private const string Red = "\e[31m";

    public OutputFormat Format { get; } = format;

    public bool IsTable => Format == OutputFormat.Table;

    /// <summary>A line of standard output.</summary>
    public void Line(string text) => session.Out.Write(Shown(text) + "\n");

    /// <summary>A line that only people want: left out of JSON and YAML.</summary>
    public void Note(string text)
    {
        if (IsTable)
        {
            Line(text);
        }
    }

    public void Warn(string text) => Remark(text, Yellow);

    public void Error(string text) => Remark(text, Red);

    /// <summary>A whole answer: lease, token, wrapping and data.</summary>
    public void Secret(MayflyResponse response)
    {
        Warnings(response);
        switch (Format)
        {
            case OutputFormat.Raw:
                session.Out.Write(Encoding.UTF8.GetString(response.Body.Span) + "\n");
                break;
            case OutputFormat.Table:
                Rows(SecretRows.Of(response));
                break;
            default:
                Structured(response.Root);
                break;
        }
    }

    /// <summary>The members of one object.</summary>
    public void Data(JsonElement data)
    {
        if (!IsTable)
        {
            Structured(data);
            return;
        }

        var rows = new List<IReadOnlyList<string>>();
        foreach (var member in PlainText.Sorted(data))
        {
            rows.Add([member.Name, PlainText.OfField(member.Name, member.Value)]);
        }

        Rows(rows);
    }

    /// <summary>Names under the header <c>Keys</c>, sorted.</summary>
    public void Keys(JsonElement keys)
    {
        if (!IsTable)
        {
            Structured(keys);
            return;
        }

        var names = new List<string>();
        foreach (var key in keys.EnumerateArray())
        {
            names.Add(PlainText.Of(key));
        }

        names.Sort(StringComparer.Ordinal);
        Line(Columns.Table(["Keys"], names.ConvertAll<IReadOnlyList<string>>(static name => [name])));
    }

    /// <summary>Rows under <c>Key</c> and <c>Value</c>; nothing when there are none.</summary>
    public void Rows(IReadOnlyList<IReadOnlyList<string>> rows)
    {
        if (rows.Count > 0)
        {
            Line(Columns.Table(["Key", "Value"], rows));
        }
    }

    /// <summary>The value in the chosen format; a table has none of its own for it.</summary>
    public void Structured(JsonElement value)
    {
        var text = Format == OutputFormat.Yaml ? YamlText.Of(value) : JsonText.Of(value);
        session.Out.Write(text + "\n");
    }

    /// <summary>One value alone, for scripts. Without a line break at its end when it goes to one.</summary>
    public void Raw(string value) => session.Out.Write(session.OutputIsTerminal ? value + "\n" : value);

    public void Warnings(MayflyResponse response)
    {
        if (response.Warnings.Count == 0 || !IsTable)
        {
            return;
        }

        Warn("WARNING! The following warnings were returned from the server:\n");
        foreach (var warning in response.Warnings)
        {
            Warn($"  * {warning}\n");
        }
    }

    /// <summary>A title in equal signs, as wide as the table below it: <c>== Secret Path ==</c>.</summary>
    public static string Title(string title, int width)
    {
        var signs = Math.Max(4, width - title.Length - 2);
        var side = new string('=', (signs + 1) / 2);
        return $"{side} {title} {side}";
    }

    /// <summary>A title as wide as the table of <paramref name="data"/>.</summary>
    public static string Title(string title, JsonElement data)
    {
        var longest = 0;
        foreach (var member in PlainText.Sorted(data))
        {
            longest = Math.Max(longest, member.Name.Length);
        }

        return Title(title, longest + "    Value".Length);
    }

    private void Remark(string text, string colour) =>
        session.Error.Write(session.ErrorHasColour ? $"{colour}{Safe(text)}\e[0m\n" : text + "\n");

    private string Shown(string text) => session.OutputIsTerminal ? Safe(text) : text;

    // A stored value must not be able to steer the terminal of whoever looks at it.
    private static string Safe(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\0', '\u001f') && !text.AsSpan().ContainsAnyInRange('\u007f', '\u009f'))
        {
            return text;
        }

        return string.Create(
            text.Length,
            text,
            static (span, from) =>
            {
                for (var i = 0; i < span.Length; i++)
                {
                    var character = from[i];
                    span[i] = char.IsControl(character) && character is not ('\n' or '\t') ? '\ufffd' : character;
                }
            }
        );
    }
}
