using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Operator;

internal sealed class OperatorSealCommand() : Command("seal", "Seal the server")
{
    public override string Usage => "[options]";

    public override string Details =>
        """
            Seals the server: it forgets its keys and answers nothing until it is unsealed again.
            $ mayfly operator seal
            """;

    public override async Task<int> RunAsync(Invocation call)
    {
        var response = await call.WriteAsync("sys/seal", static _ => { });
        return call.Done("Success! Vault is sealed.", "Error sealing", response);
    }
}
