using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Operator;

internal sealed class OperatorGroup() : Group("operator", "Initialise, unseal and look after the server")
{
    public override IReadOnlyList<string> Names =>
        ["init", "unseal", "seal", "rekey", "generate-root", "rotate", "key-status"];

    public override Node? Find(string name) =>
        name switch
        {
            "init" => new OperatorInitCommand(),
            "unseal" => new OperatorUnsealCommand(),
            "seal" => new OperatorSealCommand(),
            "rekey" => new OperatorRekeyCommand(),
            "generate-root" => new OperatorGenerateRootCommand(),
            "rotate" => new OperatorRotateCommand(),
            "key-status" => new OperatorKeyStatusCommand(),
            _ => null,
        };
}
