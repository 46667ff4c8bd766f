using System.Text;
using System.Text.RegularExpressions;

namespace Mayfly.Scanner.Sources;

/// <summary>The patterns of one <c>.gitignore</c> (https://git-scm.com/docs/gitignore). Immutable.</summary>
internal sealed class IgnorePatterns
{
    private readonly List<(Regex Pattern, bool Negative, bool FoldersOnly)> _patterns = [];

    public IgnorePatterns(string content)
    {
        foreach (var line in content.Split('\n'))
        {
            Add(line.TrimEnd('\r'));
        }
    }

    public bool IsEmpty => _patterns.Count == 0;

    /// <summary>Whether the file says that it is ignored (true) or not (false), or nothing (null).</summary>
    /// <param name="path">Relative to the folder of the file, with slashes.</param>
    /// <param name="isFolder">It is a folder.</param>
    public bool? Ignores(string path, bool isFolder)
    {
        for (var i = _patterns.Count - 1; i >= 0; i--)
        {
            var (pattern, negative, foldersOnly) = _patterns[i];
            if ((!foldersOnly || isFolder) && pattern.IsMatch(path))
            {
                return !negative;
            }
        }

        return null;
    }

    private void Add(string line)
    {
        line = WithoutTrailingSpaces(line);
        if (line.Length == 0 || line[0] == '#')
        {
            return;
        }

        var negative = line[0] == '!';
        line = negative ? line[1..] : line;
        var foldersOnly = line.EndsWith('/');
        line = foldersOnly ? line[..^1] : line;

        // A path has no empty names, so that a pattern with one matches nothing.
        if (line.Length == 0 || line.Contains("//", StringComparison.Ordinal) || (foldersOnly && line.EndsWith('/')))
        {
            return;
        }

        // With a slash at the beginning or in the middle it is of this folder alone, else of any below.
        var anchored = line.Contains('/', StringComparison.Ordinal);
        var text = new StringBuilder(@"\A");
        if (!anchored)
        {
            text.Append("(?:.*/)?");
        }

        if (Translate(line.TrimStart('/'), text))
        {
            var options = RegexOptions.NonBacktracking | RegexOptions.Singleline | RegexOptions.CultureInvariant;
            try
            {
                _patterns.Add(
                    (
                        new Regex(text.Append(@"\z").ToString(), options, Regex.InfiniteMatchTimeout),
                        negative,
                        foldersOnly
                    )
                );
            }
            catch (RegexParseException)
            {
                // A range from back to front matches nothing.
            }
        }
    }

    private static string WithoutTrailingSpaces(string line)
    {
        var end = line.Length;
        while (end > 0 && line[end - 1] == ' ' && !(end > 1 && line[end - 2] == '\\'))
        {
            end--;
        }

        return line[..end];
    }

    /// <summary>False for a pattern that can match nothing: a bracket that is not closed, a backslash at the end.</summary>
    private static bool Translate(string glob, StringBuilder regex)
    {
        for (var i = 0; i < glob.Length; i++)
        {
            switch (glob[i])
            {
                case '*':
                    i = Asterisks(glob, i, regex);
                    break;
                case '?':
                    regex.Append("[^/]");
                    break;
                case '[':
                    if (Bracket(glob, i, regex) is not { } end)
                    {
                        return false;
                    }

                    i = end;
                    break;
                case '\\' when i + 1 == glob.Length:
                    return false;
                case '\\':
                    regex.Append(Regex.Escape(glob[++i].ToString()));
                    break;
                default:
                    regex.Append(Regex.Escape(glob[i].ToString()));
                    break;
            }
        }

        return true;
    }

    /// <summary>
    /// Translates a run of asterisks; returns where it ends. Two or more with nothing else between slashes are folders: with a
    /// slash behind them any, also none; at the end everything inside.
    /// </summary>
    private static int Asterisks(string glob, int at, StringBuilder regex)
    {
        var end = at;
        while (end + 1 < glob.Length && glob[end + 1] == '*')
        {
            end++;
        }

        var begins = end > at && (at == 0 || glob[at - 1] == '/');
        if (begins && end + 1 == glob.Length && at > 0)
        {
            regex.Append(".+");
            return end;
        }

        if (begins && end + 1 < glob.Length && glob[end + 1] == '/')
        {
            regex.Append("(?:.*/)?");
            return end + 1;
        }

        regex.Append("[^/]*");
        return end;
    }

    /// <summary>Translates <c>[a-z]</c>; returns where it ends, or null when it does not.</summary>
    private static int? Bracket(string glob, int at, StringBuilder regex)
    {
        var from = at + 1;
        var negative = from < glob.Length && glob[from] is '!' or '^';
        from += negative ? 1 : 0;
        var members = new StringBuilder();
        for (var i = from; i < glob.Length; i++)
        {
            var letter = glob[i];
            if (letter == ']' && i > from)
            {
                regex.Append(negative ? "[^/" : "[").Append(members).Append(']');
                return i;
            }

            var quoted = letter == '\\' && i + 1 < glob.Length;
            letter = quoted ? glob[++i] : letter;
            var special = letter is '[' or '\\' or ']' or '^' || (quoted && letter == '-');
            members.Append(special ? $"\\{letter}" : letter.ToString());
        }

        return null;
    }
}
