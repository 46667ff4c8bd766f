using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Agent;

internal sealed class AgentGroup() : Group("agent", "Log in for other programs, and bring them their secrets")
{
    public override IReadOnlyList<string> Names => ["generate-config"];

    public override Command Otherwise => new AgentCommand();

    public override Node? Find(string name) => name == "generate-config" ? new GenerateConfigCommand() : null;
}
