using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Audit;

internal sealed class AuditDisableCommand() : Command("disable", "Disable an audit device")
{
    public override string Usage => "[options] PATH";

    public override string Details =>
        """
            Disables an audit device. What it has recorded stays.
            $ mayfly audit disable file/
            """;

    public override int Fewest => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var mount = Paths.Folder(call.Arguments[0]);
        var response = await call.DeleteAsync("sys/audit/" + mount.TrimEnd('/'));
        return call.Done(
            $"Success! Disabled audit device (if it was enabled) at: {mount}",
            "Error disabling audit device",
            response
        );
    }
}
