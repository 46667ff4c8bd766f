using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Lease;

internal sealed class LeaseRenewCommand() : Command("renew", "Let a lease live longer")
{
    private readonly DurationFlag _increment = new("increment", "How much longer; the server may give less.")
    {
        Alias = "i",
    };

    public override string Usage => "[options] ID";

    public override string Details =>
        """
            Renews a lease, and what was issued under it, up to the limits of its role and mount.
            $ mayfly lease renew database/creds/readonly/2f6a614c4aa2b19d24ad2b0f
            $ mayfly lease renew -increment=30m database/creds/readonly/2f6a614c4aa2b19d24ad2b0f
            """;

    public override IReadOnlyList<Flag> Flags => [_increment];

    public override bool HasField => true;

    public override int Fewest => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var id = call.Arguments[0];
        var response = await call.WriteAsync(
            "sys/leases/renew",
            writer =>
            {
                writer.WriteString("lease_id", id);
                if (_increment.Value is { } increment)
                {
                    writer.WriteString("increment", increment);
                }
            }
        );
        return response.IsSuccess ? call.Show(response) : call.Refused($"Error renewing {id}", response);
    }
}
