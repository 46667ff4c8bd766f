using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Mounts;

internal sealed class DisableCommand(MountKind kind) : Command("disable", $"Disable {kind.Indefinite}")
{
    public override string Usage => "[options] PATH";

    public override string Details =>
        $"""
            Disables the {kind.Singular} at PATH. Everything it stores is removed, and everything it issued is revoked.
            $ mayfly {(kind.IsAuth ? "auth" : "secrets")} disable {(kind.IsAuth ? "userpass" : "team")}/
            """;

    public override int Fewest => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var mount = Paths.Folder(call.Arguments[0]);
        var response = await call.DeleteAsync(kind.Api + mount.TrimEnd('/'));
        return call.Done(
            $"Success! Disabled the {kind.Singular} (if it existed) at: {mount}",
            $"Error disabling {kind.Singular} at {mount}",
            response
        );
    }
}
