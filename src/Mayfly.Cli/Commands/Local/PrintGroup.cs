using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Local;

internal sealed class PrintGroup() : Group("print", "Print what this program would use")
{
    public override IReadOnlyList<string> Names => ["token"];

    public override Node? Find(string name) => name == "token" ? new PrintTokenCommand() : null;
}

internal sealed class PrintTokenCommand() : Command("token", "Print the token in use")
{
    public override string Usage => "";

    public override string Details =>
        """
            Prints the token that commands use: of MAYFLY_TOKEN or VAULT_TOKEN, or of the last login.
            $ curl -H "X-Vault-Token: $(mayfly print token)" "$MAYFLY_ADDR/v1/auth/token/lookup-self"
            """;

    public override Task<int> RunAsync(Invocation call)
    {
        call.Print.Line(call.Options.Token ?? "");
        return Task.FromResult(Exit.Ok);
    }
}
