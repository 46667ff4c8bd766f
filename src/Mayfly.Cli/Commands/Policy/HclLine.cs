namespace Mayfly.Cli.Commands.Policy;

/// <summary>What one line of HCL does to the layout of those below it.</summary>
/// <param name="Balance">Brackets opened minus brackets closed.</param>
/// <param name="LeadingClosers">Closing brackets that the line begins with.</param>
/// <param name="EqualsAt">Where the first equal sign outside strings and brackets is, or -1.</param>
/// <param name="Heredoc">The word that ends a heredoc which begins here.</param>
/// <param name="OpensComment">A block comment goes on in the next line.</param>
internal readonly record struct HclLine(
    int Balance,
    int LeadingClosers,
    int EqualsAt,
    string? Heredoc,
    bool OpensComment
)
{
    /// <summary>Null when a string does not end.</summary>
    public static HclLine? Scan(string line)
    {
        var balance = 0;
        var leading = 0;
        var equalsAt = -1;
        var onlyClosers = true;
        for (var i = 0; i < line.Length; i++)
        {
            var next = i + 1 < line.Length ? line[i + 1] : '\0';
            switch (line[i])
            {
                case '#':
                case '/' when next == '/':
                    return new HclLine(balance, leading, equalsAt, null, false);
                case '/' when next == '*':
                    var end = line.IndexOf("*/", i + 2, StringComparison.Ordinal);
                    if (end < 0)
                    {
                        return new HclLine(balance, leading, equalsAt, null, true);
                    }

                    i = end + 1;
                    break;
                case '<' when next == '<':
                    return new HclLine(balance, leading, equalsAt, line[(i + 2)..].TrimStart('-').Trim(), false);
                case '"':
                    if (StringEnd(line, i) is not { } last)
                    {
                        return null;
                    }

                    i = last;
                    onlyClosers = false;
                    break;
                case '{' or '[':
                    balance++;
                    onlyClosers = false;
                    break;
                case '}' or ']':
                    balance--;
                    leading += onlyClosers ? 1 : 0;
                    break;
                case '=' when balance == 0 && equalsAt < 0:
                    equalsAt = i;
                    onlyClosers = false;
                    break;
                case ' ' or '\t' or ',':
                    break;
                default:
                    onlyClosers = false;
                    break;
            }
        }

        return new HclLine(balance, leading, equalsAt, null, false);
    }

    private static int? StringEnd(string line, int start)
    {
        for (var i = start + 1; i < line.Length; i++)
        {
            if (line[i] == '\\')
            {
                i++;
            }
            else if (line[i] == '"')
            {
                return i;
            }
        }

        return null;
    }
}
