using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Lease;

internal sealed class LeaseRevokeCommand() : Command("revoke", "End a lease, or all below a path")
{
    private readonly BoolFlag _force = new("force", "Forget what cannot be ended; needs -prefix.") { Alias = "f" };
    private readonly BoolFlag _prefix = new("prefix", "The argument is the beginning of the ids.");
    private readonly BoolFlag _sync = new("sync", "Wait until it is done, and say if it failed.");

    public override string Usage => "[options] ID | PREFIX";

    public override string Details =>
        """
            Ends a lease and what was issued under it; with -prefix, all leases and tokens whose ids begin with a path, at once.
            $ mayfly lease revoke database/creds/readonly/2f6a614c4aa2b19d24ad2b0f
            $ mayfly lease revoke -prefix database/creds/readonly
            """;

    public override IReadOnlyList<Flag> Flags => [_force, _prefix, _sync];

    public override int Fewest => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var id = call.Arguments[0].Trim('/');
        if (_force.Value && !_prefix.Value)
        {
            return call.Wrong("Specifying -force requires also specifying -prefix");
        }

        if (_force.Value)
        {
            call.Print.Warn("Warning! Force-removing leases can leave what was issued under them alive.");
            return call.Done(
                $"Success! Force revoked any leases with prefix: {id}",
                $"Error force revoking leases with prefix {id}",
                await call.WriteAsync($"sys/leases/revoke-force/{id}", static _ => { })
            );
        }

        if (_prefix.Value)
        {
            return call.Done(
                _sync.Value ? $"Success! Revoked any leases with prefix: {id}" : Queued,
                $"Error revoking leases with prefix {id}",
                await call.WriteAsync(
                    $"sys/leases/revoke-prefix/{id}",
                    writer => writer.WriteBoolean("sync", _sync.Value)
                )
            );
        }

        return call.Done(
            _sync.Value ? $"Success! Revoked lease: {id}" : Queued,
            $"Error revoking lease {id}",
            await call.WriteAsync(
                "sys/leases/revoke",
                writer =>
                {
                    writer.WriteString("lease_id", id);
                    writer.WriteBoolean("sync", _sync.Value);
                }
            )
        );
    }

    private const string Queued = "All revocation operations queued successfully!";
}
