using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Rotation;

internal sealed class RotationWriteCommand() : Command("write", "Configure a rotation")
{
    public override string Usage => "[options] NAME [DATA K=V...]";

    public override string Details =>
        """
            Has a secret of a key-value engine rotated by a webhook; or, for an engine's rotation, sets how consumers are
            waited for. What is not given stays as it is. The key that signs the calls is made up and shown once, unless
            signing_key is given.
            $ mayfly rotation write app target=secret/data/app url=https://rotate.example/app rotation_period=30d
            $ mayfly rotation write app rotation_schedule="0 3 * * SUN" rotation_window=2h
            $ mayfly rotation write database/static-roles/app consumer_wait=10m
            """;

    public override int Fewest => 2;

    public override int Most => int.MaxValue;

    public override bool HasField => true;

    public override async Task<int> RunAsync(Invocation call)
    {
        var data = new DataArguments();
        if (data.Add(call.Arguments.Skip(1), call.Session) is { } wrong)
        {
            return call.Wrong($"Failed to parse K=V data: {wrong}");
        }

        var name = Paths.Clean(call.Arguments[0]);
        var response = await call.WriteAsync($"sys/rotation/config/{name}", data.ToJson());
        return !response.IsSuccess ? call.Refused("Error writing the rotation", response)
            : response.Body.IsEmpty ? call.Done($"Success! Configured rotation: {name}", "", response)
            : call.Show(response);
    }
}
