using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Lease;

internal sealed class LeaseTidyCommand() : Command("tidy", "Remove what leases have left behind")
{
    public override string Usage => "[options]";

    public override string Details =>
        """
            Removes what leases that are gone have left behind, and ends leases whose token is gone.
            $ mayfly lease tidy
            """;

    public override int Most => 0;

    public override async Task<int> RunAsync(Invocation call) =>
        call.Done(
            "Success! Tidied leases",
            "Error tidying leases",
            await call.WriteAsync("sys/leases/tidy", static _ => { })
        );
}
