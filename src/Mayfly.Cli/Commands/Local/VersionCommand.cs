using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Local;

internal sealed class VersionCommand() : Command("version", "Print the version")
{
    public override string Usage => "";

    public override string Details => "Prints the version of this program. Asks no server.";

    public override bool UsesServer => false;

    public override Task<int> RunAsync(Invocation call)
    {
        call.Print.Line("Mayfly v" + BuildConstants.Version);
        return Task.FromResult(Exit.Ok);
    }
}
