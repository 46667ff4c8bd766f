using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Local;

/// <summary>Candidates for the last of the words typed so far.</summary>
internal static class Completion
{
    public static IReadOnlyList<string> For(IReadOnlyList<string> words, Session session)
    {
        Node node = new Root();
        var at = 0;
        for (; node is Group group && at < words.Count - 1; at++)
        {
            if (group.Find(words[at]) is { } found)
            {
                node = found;
            }
            else if (group.Otherwise is { } bare)
            {
                node = bare;
                break;
            }
            else
            {
                return [];
            }
        }

        var current = words.Count == 0 ? "" : words[^1];
        if (node is Group { Otherwise: { } otherwise } && current.StartsWith('-'))
        {
            node = otherwise;
        }

        if (node is Group names)
        {
            return Starting(names.Names, current);
        }

        var command = (Command)node;
        var flags = command.AllFlags(new ConnectionFlags(), new OutputFlags());
        if (current.StartsWith('-'))
        {
            return FlagOrValue(flags, current);
        }

        if (words.Count >= 2 && words[^2].StartsWith('-') && FlagParser.Split(words[^2]) is (var name, null))
        {
            if (FlagParser.Find(flags, name) is { Choices.Count: > 0 } flag)
            {
                return Starting(flag.Choices, current);
            }
        }

        return command is CompletionCommand ? Starting(["bash", "zsh", "fish"], current)
            : command.TakesPath && IsFirstPositional(words, at, flags) ? PathCompletion.For(command, current, session)
            : [];
    }

    private static bool IsFirstPositional(IReadOnlyList<string> words, int from, IReadOnlyList<Flag> flags)
    {
        for (var i = from; i < words.Count - 1; i++)
        {
            if (!FlagParser.IsFlag(words[i]))
            {
                return false;
            }

            var (name, value) = FlagParser.Split(words[i]);
            if (value is null && FlagParser.Find(flags, name) is not (null or BoolFlag) && ++i >= words.Count - 1)
            {
                return false;
            }
        }

        return true;
    }

    private static List<string> FlagOrValue(IReadOnlyList<Flag> flags, string current)
    {
        var (name, value) = FlagParser.Split(current);
        if (value is not null)
        {
            var stem = current[..^value.Length];
            return FlagParser.Find(flags, name) is { } flag
                ? Starting(flag.Choices, value).ConvertAll(choice => stem + choice)
                : [];
        }

        var dashes = current.StartsWith("--", StringComparison.Ordinal) ? "--" : "-";
        var candidates = new List<string>();
        foreach (var flag in flags)
        {
            if (!flag.Hidden)
            {
                candidates.Add(dashes + flag.Name + (flag is BoolFlag ? "" : "="));
            }
        }

        return Starting(candidates, current);
    }

    private static List<string> Starting(IEnumerable<string> candidates, string with)
    {
        var found = new List<string>();
        foreach (var candidate in candidates)
        {
            if (candidate.StartsWith(with, StringComparison.Ordinal))
            {
                found.Add(candidate);
            }
        }

        return found;
    }
}
