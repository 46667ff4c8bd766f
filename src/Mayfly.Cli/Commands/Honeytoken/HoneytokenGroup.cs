using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Honeytoken;

internal sealed class HoneytokenGroup()
    : Group("honeytoken", "Make decoys that tell when somebody reads what they should not")
{
    public override IReadOnlyList<string> Names => ["create", "list"];

    public override Node? Find(string name) =>
        name switch
        {
            "create" => new HoneytokenCreateCommand(),
            "list" => new HoneytokenListCommand(),
            _ => null,
        };
}
