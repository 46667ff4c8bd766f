using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Lease;

internal sealed class LeaseGroup() : Group("lease", "Inspect, renew and revoke leases")
{
    public override IReadOnlyList<string> Names => ["lookup", "list", "renew", "revoke", "count", "tidy"];

    public override Node? Find(string name) =>
        name switch
        {
            "lookup" => new LeaseLookupCommand(),
            "list" => new LeaseListCommand(),
            "renew" => new LeaseRenewCommand(),
            "revoke" => new LeaseRevokeCommand(),
            "count" => new LeaseCountCommand(),
            "tidy" => new LeaseTidyCommand(),
            _ => null,
        };
}
