using System.Text;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Dispatch;

/// <summary>Help for a command or a noun.</summary>
internal static class HelpText
{
    private const int Margin = 80;

    public static string Of(Group group, string path)
    {
        var text = new StringBuilder("Usage: mayfly ");
        text.Append(path.Length == 0 ? "<command> [options] [args]" : $"{path} <subcommand> [options] [args]");
        text.Append("\n\n  ")
            .Append(group.Synopsis)
            .Append(path.Length == 0 ? ".\n\nCommands:\n" : ".\n\nSubcommands:\n");
        var width = 0;
        foreach (var name in group.Names)
        {
            width = Math.Max(width, name.Length);
        }

        foreach (var name in group.Names)
        {
            text.Append("    ").Append(name.PadRight(width + 4)).Append(group.Find(name)!.Synopsis).Append('\n');
        }

        return text.Append($"\nHelp for one of them: mayfly {path}{(path.Length == 0 ? "" : " ")}<name> -help\n")
            .ToString();
    }

    public static string Of(Command command, string path)
    {
        var text = new StringBuilder($"Usage: mayfly {path} {command.Usage}\n\n");
        foreach (var line in command.Details.Trim('\n').Split('\n'))
        {
            if (line.StartsWith('$'))
            {
                text.Append("      ").Append(line);
            }
            else if (line.Length > 0)
            {
                text.Append("  ").Append(line);
            }

            text.Append('\n');
        }

        Flags(text, "Command options", command.Flags);
        if (command.UsesServer)
        {
            var connection = new ConnectionFlags();
            Flags(text, "Connection options", command.ShowsAnswers ? connection.All : connection.Server);
        }

        if (command.ShowsAnswers)
        {
            var output = new OutputFlags();
            Flags(text, "Output options", command.HasField ? output.FormatAndField : output.FormatOnly);
        }

        return text.ToString();
    }

    private static void Flags(StringBuilder text, string title, IReadOnlyList<Flag> flags)
    {
        var first = true;
        foreach (var flag in flags)
        {
            if (flag.Hidden)
            {
                continue;
            }

            if (first)
            {
                text.Append('\n').Append(title).Append(":\n");
                first = false;
            }

            text.Append("\n  -").Append(flag.Name);
            if (flag.ValueName is { } value)
            {
                text.Append("=<").Append(value).Append('>');
            }

            if (flag.Alias is { } alias)
            {
                text.Append(" (also -").Append(alias).Append(')');
            }

            text.Append('\n');
            Wrap(text, flag.Help, indent: 6);
        }
    }

    private static void Wrap(StringBuilder text, string words, int indent)
    {
        var column = 0;
        foreach (var word in words.Split(' '))
        {
            if (column > 0 && column + 1 + word.Length > Margin)
            {
                text.Append('\n');
                column = 0;
            }

            if (column == 0)
            {
                text.Append(' ', indent);
                column = indent;
            }
            else
            {
                text.Append(' ');
                column++;
            }

            text.Append(word);
            column += word.Length;
        }

        text.Append('\n');
    }
}
