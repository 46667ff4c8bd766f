using System.Text;

namespace Mayfly.Cli.Output;

/// <summary>Columns as Vault's command line lays them out: four spaces apart, the last one unpadded.</summary>
internal static class Columns
{
    private const int Gap = 4;

    /// <summary>Rows under a header that is underlined with dashes.</summary>
    public static string Table(IReadOnlyList<string> header, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var all = new List<IReadOnlyList<string>>(rows.Count + 2) { header };
        var underline = new string[header.Count];
        for (var i = 0; i < underline.Length; i++)
        {
            underline[i] = new string('-', header[i].Length);
        }

        all.Add(underline);
        all.AddRange(rows);
        return Plain(all);
    }

    /// <summary>Rows alone. Ends without a line break.</summary>
    public static string Plain(IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var widths = new List<int>();
        foreach (var row in rows)
        {
            for (var i = 0; i < row.Count; i++)
            {
                var width = Width(Cell(row[i]));
                if (i == widths.Count)
                {
                    widths.Add(width);
                }
                else
                {
                    widths[i] = Math.Max(widths[i], width);
                }
            }
        }

        var text = new StringBuilder();
        foreach (var row in rows)
        {
            if (text.Length > 0)
            {
                text.Append('\n');
            }

            for (var i = 0; i < row.Count; i++)
            {
                var cell = Cell(row[i]);
                text.Append(cell);
                if (i < row.Count - 1)
                {
                    text.Append(' ', widths[i] - Width(cell) + Gap);
                }
            }
        }

        return text.ToString();
    }

    private static string Cell(string value)
    {
        var trimmed = value.Trim();
        return trimmed.Length == 0 ? "n/a" : trimmed;
    }

    private static int Width(string text)
    {
        var width = 0;
        foreach (var _ in text.EnumerateRunes())
        {
            width++;
        }

        return width;
    }
}
