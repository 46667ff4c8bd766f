using Mayfly.Cli.Commands.Data;
using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Rotation;

internal sealed class RotationListCommand() : Command("list", "List the rotations")
{
    public override string Usage => "[options] [PREFIX]";

    public override string Details =>
        """
            Lists the names of all rotations, or of those that begin with PREFIX: of engines' secrets with the path of
            the mount.
            $ mayfly rotation list
            $ mayfly rotation list database/
            """;

    public override int Most => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var below = call.Arguments.Count == 0 ? "" : "/" + Paths.Clean(call.Arguments[0]);
        var path = $"sys/rotation/status{below}/";
        return ListCommand.Show(call, path, await call.ListAsync(path));
    }
}
