using Mayfly.Cli.Commands;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;
using Mayfly.Client;
using Mayfly.Hcl;

namespace Mayfly.Cli.Dispatch;

/// <summary>From the words of the command line to an exit code.</summary>
internal static class Dispatcher
{
    public static async Task<int> RunAsync(
        IReadOnlyList<string> words,
        Session session,
        CancellationToken cancellation = default
    )
    {
        try
        {
            return await DispatchAsync(words, session, cancellation);
        }
        catch (MayflyConnectionException failure)
        {
            new Printer(session, OutputFormat.Table).Error("Error: " + ConnectionHint.Explain(failure.Message));
            return words is ["status", ..] ? Exit.Local : Exit.Server;
        }
        catch (FormatException failure)
        {
            new Printer(session, OutputFormat.Table).Error("Error: " + failure.Message);
            return Exit.Local;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            new Printer(session, OutputFormat.Table).Error("Error: " + failure.Message);
            return Exit.Local;
        }
    }

    private static Task<int> DispatchAsync(IReadOnlyList<string> words, Session session, CancellationToken cancellation)
    {
        var (leading, at) = LeadingFlags(words);
        Node node = new Root();
        var path = "";
        while (node is Group group)
        {
            var word = at < words.Count ? words[at] : "";
            if (group.Otherwise is { } otherwise && group.Find(word) is null)
            {
                node = otherwise;
                break;
            }

            if (
                word.Length == 0
                || IsHelp(word)
                || (word == "help" && group.Find("help") is null && at == words.Count - 1)
            )
            {
                // Asked for, it is the result; otherwise the command line was incomplete.
                (word.Length == 0 ? session.Error : session.Out).Write(HelpText.Of(group, path));
                return Task.FromResult(
                    word.Length > 0 ? Exit.Ok
                    : path.Length == 0 ? Exit.UnknownCommand
                    : Exit.Local
                );
            }

            if (group.Find(word) is not { } found)
            {
                return Task.FromResult(Unknown(group, path, word, session));
            }

            node = found;
            path = path.Length == 0 ? word : $"{path} {word}";
            at++;
        }

        return RunAsync((Command)node, path, [.. leading, .. words.Skip(at)], session, cancellation);
    }

    private static async Task<int> RunAsync(
        Command command,
        string path,
        List<string> words,
        Session session,
        CancellationToken cancellation
    )
    {
        if (command is IPassThrough through)
        {
            return through.Run(session, words);
        }

        var print = new Printer(session, OutputFormat.Table);
        if (AsksForHelp(words))
        {
            session.Out.Write(HelpText.Of(command, path));
            return Exit.Ok;
        }

        var connection = new ConnectionFlags();
        var output = new OutputFlags();
        var (positionals, error) = FlagParser.Parse(words, command.AllFlags(connection, output));
        if (error is not null)
        {
            print.Error($"{error}\n\nUsage: mayfly {path} {command.Usage}");
            return command.WrongUse;
        }

        if (output.Format(session) is not { } format)
        {
            print.Error("Invalid output format: choose table, json or yaml");
            return command.WrongUse;
        }

        if (Count(command, positionals.Count) is { } wrongCount)
        {
            print.Error($"{wrongCount}\n\nUsage: mayfly {path} {command.Usage}");
            return command.WrongUse;
        }

        using var call = new Invocation(session, positionals, connection, format, output.Field, cancellation);
        return await command.RunAsync(call);
    }

    private static string? Count(Command command, int count)
    {
        var expected =
            command.Most == int.MaxValue ? $"at least {command.Fewest}"
            : command.Fewest == command.Most ? $"{command.Fewest}"
            : $"{command.Fewest} to {command.Most}";
        return count < command.Fewest ? $"Not enough arguments (expected {expected}, got {count})"
            : count > command.Most ? $"Too many arguments (expected {expected}, got {count})"
            : null;
    }

    // Flags of every command may stand before it: mayfly -address=... status.
    private static (List<string> Flags, int Next) LeadingFlags(IReadOnlyList<string> words)
    {
        var flags = new List<string>();
        var at = 0;
        if (words.Count == 0 || !FlagParser.IsFlag(words[0]))
        {
            return (flags, at);
        }

        IReadOnlyList<Flag> known = [.. new ConnectionFlags().All, .. new OutputFlags().FormatAndField];
        while (at < words.Count && FlagParser.IsFlag(words[at]) && !IsHelp(words[at]))
        {
            var (name, value) = FlagParser.Split(words[at]);
            if (FlagParser.Find(known, name) is not { } flag)
            {
                break;
            }

            flags.Add(words[at++]);
            if (value is null && flag.Alone is null && at < words.Count)
            {
                flags.Add(words[at++]);
            }
        }

        return (flags, at);
    }

    private static int Unknown(Group group, string path, string word, Session session)
    {
        var print = new Printer(session, OutputFormat.Table);
        var near = Suggestion.For(word, group.Names);
        var full = path.Length == 0 ? "mayfly" : $"mayfly {path}";
        print.Error(
            near is null
                ? $"\"{word}\" is no command of {full}. \"{full} -help\" lists them."
                : $"\"{word}\" is no command of {full}. Did you mean \"{full} {near}\"?"
        );
        return Exit.UnknownCommand;
    }

    private static bool IsHelp(string word) => word is "-h" or "-help" or "--help" or "--h";

    private static bool AsksForHelp(List<string> words)
    {
        foreach (var word in words)
        {
            if (word == "--")
            {
                return false;
            }

            if (IsHelp(word))
            {
                return true;
            }
        }

        return false;
    }
}
