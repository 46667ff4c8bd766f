using System.Text;

namespace Mayfly.Cli.Commands.Policy;

/// <summary>Lays HCL out anew, line by line. It changes white space between tokens and nothing else.</summary>
internal static class HclLayout
{
    /// <summary>The text with even indentation, or what keeps it from being HCL.</summary>
    public static (string Text, string? Wrong) Format(string text)
    {
        var lines = new List<Line>();
        var depth = 0;
        string? heredoc = null;
        var inComment = false;
        var number = 0;
        foreach (var raw in text.Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('\n', ' ', '\t').Split('\n'))
        {
            number++;
            if (heredoc is not null)
            {
                // What stands in a heredoc is data.
                lines.Add(Line.Verbatim(raw));
                heredoc = raw.Trim() == heredoc ? null : heredoc;
                continue;
            }

            if (inComment)
            {
                lines.Add(Line.Verbatim(raw));
                inComment = !raw.Contains("*/", StringComparison.Ordinal);
                continue;
            }

            var content = raw.Trim();
            if (HclLine.Scan(content) is not { } scan)
            {
                return ("", $"line {number}: a string does not end");
            }

            depth -= scan.LeadingClosers;
            if (depth < 0)
            {
                return ("", $"line {number}: a bracket is closed that was never opened");
            }

            lines.Add(new Line(content, depth, scan.EqualsAt, scan.Balance != 0));
            depth += scan.Balance + scan.LeadingClosers;
            if (depth < 0)
            {
                return ("", $"line {number}: a bracket is closed that was never opened");
            }

            heredoc = scan.Heredoc;
            inComment = scan.OpensComment;
        }

        return depth > 0 ? ("", "a bracket is not closed")
            : heredoc is not null ? ("", $"the heredoc {heredoc} does not end")
            : (Join(lines), null);
    }

    private static string Join(List<Line> lines)
    {
        var text = new StringBuilder();
        for (var i = 0; i < lines.Count; )
        {
            if (lines[i].EqualsAt < 0)
            {
                Append(text, lines[i++], width: 0);
                continue;
            }

            // Neighbouring attributes of one level line their equal signs up.
            var end = i;
            var width = 0;
            while (end < lines.Count && lines[end].EqualsAt >= 0 && lines[end].Depth == lines[i].Depth)
            {
                width = Math.Max(width, lines[end].Key.Length);
                if (lines[end++].ChangesDepth)
                {
                    break;
                }
            }

            for (; i < end; i++)
            {
                Append(text, lines[i], width);
            }
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, Line line, int width)
    {
        if (line.IsVerbatim)
        {
            text.Append(line.Content);
        }
        else if (line.Content.Length > 0)
        {
            text.Append(' ', line.Depth * 2);
            if (line.EqualsAt < 0)
            {
                text.Append(line.Content);
            }
            else
            {
                text.Append(line.Key.PadRight(width)).Append(" = ").Append(line.Content[(line.EqualsAt + 1)..].Trim());
            }
        }

        text.Append('\n');
    }

    private readonly record struct Line(string Content, int Depth, int EqualsAt, bool ChangesDepth)
    {
        public bool IsVerbatim { get; private init; }

        public string Key => Content[..EqualsAt].TrimEnd();

        public static Line Verbatim(string raw) => new(raw, 0, -1, false) { IsVerbatim = true };
    }
}
