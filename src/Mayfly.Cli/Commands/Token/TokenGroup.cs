using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Token;

internal sealed class TokenGroup() : Group("token", "Create, inspect, renew and revoke tokens")
{
    public override IReadOnlyList<string> Names => ["create", "lookup", "renew", "revoke", "capabilities"];

    public override Node? Find(string name) =>
        name switch
        {
            "create" => new TokenCreateCommand(),
            "lookup" => new TokenLookupCommand(),
            "renew" => new TokenRenewCommand(),
            "revoke" => new TokenRevokeCommand(),
            "capabilities" => new TokenCapabilitiesCommand(),
            _ => null,
        };
}
