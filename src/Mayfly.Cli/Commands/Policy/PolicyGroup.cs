using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Policy;

internal sealed class PolicyGroup() : Group("policy", "Write, read and explain policies")
{
    public override IReadOnlyList<string> Names => ["write", "read", "list", "delete", "fmt", "explain"];

    public override Node? Find(string name) =>
        name switch
        {
            "write" => new PolicyWriteCommand(),
            "read" => new PolicyReadCommand(),
            "list" => new PolicyListCommand(),
            "delete" => new PolicyDeleteCommand(),
            "fmt" => new PolicyFormatCommand(),
            "explain" => new PolicyExplainCommand(),
            _ => null,
        };
}
