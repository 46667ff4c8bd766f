using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Lease;

internal sealed class LeaseCountCommand() : Command("count", "Count leases by mount")
{
    private readonly BoolFlag _irrevocable = new("irrevocable", "Count only those that could not be revoked.");

    public override string Usage => "[options]";

    public override string Details =>
        """
            Counts the leases that there are, those of tokens included, by the accessors of their mounts.
            $ mayfly lease count
            $ mayfly lease count -irrevocable
            """;

    public override IReadOnlyList<Flag> Flags => [_irrevocable];

    public override bool HasField => true;

    public override int Most => 0;

    public override async Task<int> RunAsync(Invocation call)
    {
        var response = _irrevocable.Value
            ? await call.ReadAsync("sys/leases/count", new KeyValuePair<string, string>("type", "irrevocable"))
            : await call.ReadAsync("sys/leases/count");
        return response.IsSuccess ? call.Show(response) : call.Refused("Error counting leases", response);
    }
}
