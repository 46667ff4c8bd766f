using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Rotation;

internal sealed class RotationDeleteCommand() : Command("delete", "Stop rotating a secret by a webhook")
{
    private readonly BoolFlag _force = new("force", "Also while a rotation is under way, which is then left half-way.");

    public override string Usage => "[options] NAME";

    public override string Details =>
        """
            Stops rotating a secret by a webhook. The secret stays as it is.
            $ mayfly rotation delete app
            """;

    public override IReadOnlyList<Flag> Flags => [_force];

    public override int Fewest => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var name = Paths.Clean(call.Arguments[0]);
        var response = await call.SendAsync(
            new MayflyRequest(HttpMethod.Delete, $"sys/rotation/config/{name}")
            {
                Query = _force.Value ? [new("force", "true")] : [],
            }
        );
        return call.Done($"Success! Deleted rotation (if it existed): {name}", "Error deleting the rotation", response);
    }
}
