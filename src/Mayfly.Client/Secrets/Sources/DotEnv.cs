using System.Text;

namespace Mayfly.Client.Secrets.Sources;

/// <summary>Reads <c>.env</c> files.</summary>
internal static class DotEnv
{
    /// <summary>The variables in order, or the number of the first line that is wrong.</summary>
    public static bool TryParse(string text, out List<KeyValuePair<string, string>> variables, out int line)
    {
        variables = [];
        line = 1;
        var rest = text.AsSpan().TrimStart('\uFEFF');
        while (!rest.IsEmpty)
        {
            var begin = Line(rest).TrimStart(' ').TrimStart('\t');
            if (begin.TrimEnd().IsEmpty || begin[0] == '#')
            {
                rest = Next(rest);
                line++;
                continue;
            }

            var equals = rest.IndexOf('=');
            if (equals < 0 || equals > Line(rest).Length || Name(rest[..equals]) is not { } name)
            {
                return false;
            }

            rest = rest[(equals + 1)..].TrimStart(' ').TrimStart('\t');
            var value = new StringBuilder();
            var lines = 0;
            if (!rest.IsEmpty && rest[0] is '"' or '\'')
            {
                var length = Quoted(rest, value);
                if (length < 0 || !IsEnd(Line(rest[length..])))
                {
                    return false;
                }

                lines = rest[..length].Count('\n');
                rest = rest[length..];
            }
            else
            {
                value.Append(Bare(Line(rest)));
            }

            variables.Add(new(name, value.ToString()));
            rest = Next(rest);
            line += lines + 1;
        }

        return true;
    }

    private static ReadOnlySpan<char> Line(ReadOnlySpan<char> text)
    {
        var end = text.IndexOf('\n');
        return end < 0 ? text : text[..end];
    }

    private static ReadOnlySpan<char> Next(ReadOnlySpan<char> text)
    {
        var end = text.IndexOf('\n');
        return end < 0 ? [] : text[(end + 1)..];
    }

    private static bool IsEnd(ReadOnlySpan<char> text)
    {
        text = text.Trim();
        return text.IsEmpty || text[0] == '#';
    }

    private static string? Name(ReadOnlySpan<char> text)
    {
        text = text.Trim();
        text = text.StartsWith("export ", StringComparison.Ordinal) ? text["export ".Length..].TrimStart() : text;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '-'))
            {
                return null;
            }
        }

        return text.IsEmpty || char.IsAsciiDigit(text[0]) ? null : text.ToString();
    }

    private static ReadOnlySpan<char> Bare(ReadOnlySpan<char> line)
    {
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '#' && (i == 0 || line[i - 1] is ' ' or '\t'))
            {
                return line[..i].Trim();
            }
        }

        return line.Trim();
    }

    /// <summary>Reads a value in quotes; gives its length with them, or -1 when they do not end.</summary>
    private static int Quoted(ReadOnlySpan<char> text, StringBuilder value)
    {
        var quote = text[0];
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == quote)
            {
                return i + 1;
            }

            if (quote == '"' && text[i] == '\\' && i + 1 < text.Length)
            {
                i++;
                _ = text[i] switch
                {
                    'n' => value.Append('\n'),
                    'r' => value.Append('\r'),
                    't' => value.Append('\t'),
                    '"' or '\\' or '$' => value.Append(text[i]),
                    _ => value.Append('\\').Append(text[i]),
                };
            }
            else
            {
                value.Append(text[i]);
            }
        }

        return -1;
    }
}
