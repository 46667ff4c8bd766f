using Mayfly.Hcl;

namespace Mayfly.Cli.Flags;

/// <summary>Sorts a command line into flags and positional arguments.</summary>
/// <remarks>
/// One dash or two; <c>-flag=value</c> or <c>-flag value</c>; before, between or after positional arguments; <c>--</c>
/// ends the flags; a lone <c>-</c> is a positional argument (standard input).
/// </remarks>
internal static class FlagParser
{
    /// <summary>Fills <paramref name="flags"/>. Returns the positional arguments, or what is wrong.</summary>
    public static (IReadOnlyList<string> Positionals, string? Error) Parse(
        IReadOnlyList<string> arguments,
        IReadOnlyList<Flag> flags
    )
    {
        var positionals = new List<string>();
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (argument == "--")
            {
                for (i++; i < arguments.Count; i++)
                {
                    positionals.Add(arguments[i]);
                }

                break;
            }

            if (!IsFlag(argument))
            {
                positionals.Add(argument);
                continue;
            }

            var (name, value) = Split(argument);
            if (Find(flags, name) is not { } flag)
            {
                return ([], Unknown(name, flags));
            }

            if (value is null)
            {
                if (flag.Alone is { } alone)
                {
                    value = alone;
                }
                else if (i + 1 < arguments.Count)
                {
                    value = arguments[++i];
                }
                else
                {
                    return ([], $"flag needs an argument: -{name}");
                }
            }

            // The value is not repeated: it may be a secret that slipped into the wrong place.
            if (flag.Take(value) is { } wrong)
            {
                return ([], $"invalid value for flag -{flag.Name}: {wrong}");
            }
        }

        return (positionals, null);
    }

    /// <summary>Looks like a flag rather than a positional argument.</summary>
    public static bool IsFlag(string argument) => argument.Length > 1 && argument[0] == '-';

    /// <summary>Name and value of <c>--name=value</c>.</summary>
    public static (string Name, string? Value) Split(string argument)
    {
        var start = argument.StartsWith("--", StringComparison.Ordinal) ? 2 : 1;
        var equals = argument.IndexOf('=', start);
        return equals < 0 ? (argument[start..], null) : (argument[start..equals], argument[(equals + 1)..]);
    }

    public static Flag? Find(IReadOnlyList<Flag> flags, string name)
    {
        foreach (var flag in flags)
        {
            if (flag.Name == name || flag.Alias == name)
            {
                return flag;
            }
        }

        return null;
    }

    private static string Unknown(string name, IReadOnlyList<Flag> flags)
    {
        var names = new List<string>(flags.Count);
        foreach (var flag in flags)
        {
            if (!flag.Hidden)
            {
                names.Add(flag.Name);
            }
        }

        var near = Suggestion.For(name, names);
        return near is null
            ? $"flag provided but not defined: -{name}"
            : $"flag provided but not defined: -{name}. Did you mean -{near}?";
    }
}
