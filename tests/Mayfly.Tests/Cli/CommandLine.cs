using System.Text;
using Mayfly.Cli;
using Mayfly.Cli.Dispatch;

namespace Mayfly.Tests.Cli;

/// <summary>Runs commands in this process, with an environment, a home folder and an input of the test's own.</summary>
internal sealed class CommandLine : IDisposable
{
    private readonly Dictionary<string, string?> _environment = [];

    public CommandLine(string? address = null, string? token = null)
    {
        _environment["HOME"] = Home;
        _environment["MAYFLY_ADDR"] = address;
        _environment["MAYFLY_TOKEN"] = token;
        _environment["VAULT_MAX_RETRIES"] = "0";
    }

    public string Home { get; } = Directory.CreateTempSubdirectory("mayfly-cli-").FullName;

    /// <summary>What a person types at a prompt; null: there is no terminal.</summary>
    public Func<string, string?>? Prompt { get; set; }

    public bool OutputIsTerminal { get; set; }

    public string? this[string variable]
    {
        get => _environment.GetValueOrDefault(variable);
        set => _environment[variable] = value;
    }

    public Task<CommandResult> RunAsync(params string[] words) => RunAsync(words, "");

    public Task<CommandResult> RunAsync(string[] words, string input) =>
        RunAsync(words, new MemoryStream(Encoding.UTF8.GetBytes(input)));

    public async Task<CommandResult> RunAsync(string[] words, Stream input)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var session = new Session
        {
            Out = output,
            Error = error,
            Input = () => input,
            Environment = name => _environment.GetValueOrDefault(name),
            ReadHidden = Prompt,
            OutputIsTerminal = OutputIsTerminal,
            ErrorIsTerminal = OutputIsTerminal,
        };
        var code = await Dispatcher.RunAsync(words, session, TestContext.Current.CancellationToken);
        return new CommandResult(code, output.ToString(), error.ToString());
    }

    public void Dispose() => Directory.Delete(Home, recursive: true);
}

/// <summary>What a command left behind.</summary>
internal sealed record CommandResult(int Code, string Output, string Error)
{
    /// <summary>The output, of a command that must have succeeded.</summary>
    public string Succeeded()
    {
        Assert.True(Code == 0, $"exit code {Code}\n{Output}\n{Error}");
        return Output;
    }
}
