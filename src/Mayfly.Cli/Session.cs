namespace Mayfly.Cli;

/// <summary>Everything outside the program that a command touches. Tests bring their own.</summary>
internal sealed class Session
{
    public required TextWriter Out { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>Standard input, opened when it is first read.</summary>
    public required Func<Stream> Input { get; init; }

    public required Func<string, string?> Environment { get; init; }

    /// <summary>Asks without echo. Null when there is no terminal to ask on.</summary>
    public required Func<string, string?>? ReadHidden { get; init; }

    /// <summary>Standard output as bytes.</summary>
    public Func<Stream> RawOut { get; init; } = static () => Standard(1);

    /// <summary>Standard error as bytes.</summary>
    public Func<Stream> RawError { get; init; } = static () => Standard(2);

    public bool OutputIsTerminal { get; init; }

    public bool ErrorIsTerminal { get; init; }

    /// <summary>Colours only on a terminal, and only if nobody asked for none.</summary>
    public bool ErrorHasColour =>
        ErrorIsTerminal
        && string.IsNullOrEmpty(Environment("NO_COLOR"))
        && string.IsNullOrEmpty(Environment("VAULT_CLI_NO_COLOR"))
        && Environment("TERM") is not (null or "dumb");

    /// <summary>A <c>MAYFLY_</c> variable, or Vault's of the same ending; null when empty.</summary>
    public string? Variable(string ending)
    {
        var value = Environment("MAYFLY_" + ending);
        value = string.IsNullOrEmpty(value) ? Environment("VAULT_" + ending) : value;
        return string.IsNullOrEmpty(value) ? null : value;
    }

    public string? HomeFolder => Environment("HOME");

    /// <summary>The session of this process.</summary>
    public static Session OfProcess() =>
        new()
        {
            Out = new StreamWriter(Standard(1), bufferSize: 4096),
            Error = new StreamWriter(Standard(2), bufferSize: 512) { AutoFlush = true },
            Input = Console.OpenStandardInput,
            Environment = System.Environment.GetEnvironmentVariable,
            ReadHidden = Console.IsInputRedirected ? null : HiddenPrompt.Ask,
            OutputIsTerminal = !Console.IsOutputRedirected,
            ErrorIsTerminal = !Console.IsErrorRedirected,
        };

    private static Stream Standard(int descriptor) =>
        OperatingSystem.IsWindows()
            ? descriptor == 1
                ? Console.OpenStandardOutput()
                : Console.OpenStandardError()
            : new DescriptorStream(descriptor);
}
