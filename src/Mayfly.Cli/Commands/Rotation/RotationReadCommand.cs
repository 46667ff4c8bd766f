using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Rotation;

internal sealed class RotationReadCommand() : Command("read", "Show how a rotation is configured")
{
    public override string Usage => "[options] NAME";

    public override string Details =>
        """
            Shows how and when a secret is rotated. The key that signs the calls of the webhook is not shown.
            $ mayfly rotation read app
            """;

    public override int Fewest => 1;

    public override bool HasField => true;

    public override async Task<int> RunAsync(Invocation call)
    {
        var response = await call.ReadAsync($"sys/rotation/config/{Paths.Clean(call.Arguments[0])}");
        return response.IsSuccess ? call.Show(response) : call.Refused("Error reading the rotation", response);
    }
}
