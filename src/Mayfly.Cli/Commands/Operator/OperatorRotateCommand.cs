using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Operator;

internal sealed class OperatorRotateCommand() : Command("rotate", "Make a new encryption key")
{
    public override string Usage => "[options]";

    public override string Details =>
        """
            Makes a new key that wraps the keys of all records written from now on. Older ones are wrapped anew in the
            background; data itself is not touched, and unseal keys stay.
            $ mayfly operator rotate
            """;

    public override async Task<int> RunAsync(Invocation call)
    {
        var response = await call.WriteAsync("sys/rotate", static _ => { });
        if (!response.IsSuccess)
        {
            return call.Refused("Error rotating key", response);
        }

        call.Print.Note("Success! Rotated key\n");
        return await OperatorKeyStatusCommand.ShowAsync(call);
    }
}
