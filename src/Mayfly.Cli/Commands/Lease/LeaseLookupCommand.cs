using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Lease;

internal sealed class LeaseLookupCommand() : Command("lookup", "Show what is known about a lease")
{
    public override string Usage => "[options] ID";

    public override string Details =>
        """
            Shows when a lease was issued, when it ends, and whether it can be renewed.
            $ mayfly lease lookup database/creds/readonly/2f6a614c4aa2b19d24ad2b0f
            """;

    public override bool HasField => true;

    public override int Fewest => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var id = call.Arguments[0];
        var response = await call.WriteAsync("sys/leases/lookup", writer => writer.WriteString("lease_id", id));
        return response.IsSuccess ? call.Show(response) : call.Refused($"error looking up lease id {id}", response);
    }
}
