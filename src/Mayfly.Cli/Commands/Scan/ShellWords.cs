using System.Text;

namespace Mayfly.Cli.Commands.Scan;

/// <summary>Splits options as a shell does: at spaces, except in quotes and after backslashes. Nothing is expanded.</summary>
internal static class ShellWords
{
    /// <summary>Exactly one of the two results is null.</summary>
    public static (IReadOnlyList<string>? Words, string? Problem) Split(string text)
    {
        var words = new List<string>();
        StringBuilder? word = null;
        var quote = '\0';
        for (var i = 0; i < text.Length; i++)
        {
            var letter = text[i];
            if (quote == '\0' && char.IsWhiteSpace(letter))
            {
                if (word is not null)
                {
                    words.Add(word.ToString());
                    word = null;
                }

                continue;
            }

            word ??= new StringBuilder();
            if (letter == quote || (quote == '\0' && letter is '"' or '\''))
            {
                quote = quote == '\0' ? letter : '\0';
            }
            else if (letter == '\\' && quote != '\'' && i + 1 < text.Length)
            {
                word.Append(text[++i]);
            }
            else
            {
                word.Append(letter);
            }
        }

        if (quote != '\0')
        {
            return (null, $"a {quote} is not closed");
        }

        if (word is not null)
        {
            words.Add(word.ToString());
        }

        return (words, null);
    }
}
