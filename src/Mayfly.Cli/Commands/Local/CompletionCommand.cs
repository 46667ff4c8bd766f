using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Local;

internal sealed class CompletionCommand() : Command("completion", "Print the completion script of a shell")
{
    public override string Usage => "bash | zsh | fish";

    public override string Details =>
        """
            Prints a script that lets the shell complete commands, flags and paths.
            $ source <(mayfly completion bash)
            $ mayfly completion fish > ~/.config/fish/completions/mayfly.fish
            To have it in every new shell: mayfly -autocomplete-install
            """;

    public override bool UsesServer => false;

    public override int Fewest => 1;

    public override Task<int> RunAsync(Invocation call)
    {
        if (CompletionScript.For(call.Arguments[0]) is not { } script)
        {
            return Task.FromResult(call.Wrong("There is a completion script for bash, zsh and fish."));
        }

        call.Session.Out.Write(script);
        return Task.FromResult(Exit.Ok);
    }
}
