namespace Mayfly.Cli.Commands;

/// <summary>A secret that a person gives: as an argument, on standard input, or at a prompt.</summary>
internal static class TypedSecret
{
    /// <summary>The argument; <c>-</c> stands for standard input.</summary>
    public static string FromArgument(Session session, string argument)
    {
        if (argument != "-")
        {
            return argument.Trim();
        }

        using var reader = new StreamReader(session.Input());
        return reader.ReadToEnd().Trim();
    }

    /// <summary>Asks without echo. Null when there is no terminal to ask on or nothing was typed.</summary>
    public static string? FromPrompt(Session session, string prompt) =>
        session.ReadHidden?.Invoke(prompt)?.Trim() is { Length: > 0 } typed ? typed : null;

    /// <summary>What to say when <see cref="FromPrompt"/> gave nothing.</summary>
    public static string NothingTyped(Session session, string what) =>
        session.ReadHidden is null
            ? $"No {what} was given, and there is no terminal to ask on. Pass \"-\" to read it from standard input."
            : $"No {what} was given.";
}
