using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Rotation;

internal sealed class RotateCommand() : Command("rotate", "Rotate a secret now")
{
    private readonly BoolFlag _now = new(
        "now",
        "An emergency: wait for no consumer, and end the old credential at once. Needs -reason."
    );

    private readonly TextFlag _reason = new("reason", "Why; kept in the rotation's history.");

    public override string Usage => "[options] NAME";

    public override string Details =>
        """
            Rotates a secret, and returns when it is done, has gone back, or waits for consumers. NAME is as in
            "mayfly rotation list".
            $ mayfly rotate app
            $ mayfly rotate -now -reason="password in a public log" database/static-roles/app
            The encryption key of the server is rotated by "mayfly operator rotate".
            """;

    public override IReadOnlyList<Flag> Flags => [_now, _reason];

    public override int Fewest => 1;

    public override bool HasField => true;

    public override async Task<int> RunAsync(Invocation call)
    {
        if (_now.Value && string.IsNullOrWhiteSpace(_reason.Value))
        {
            return call.Wrong("-now is an emergency: say why with -reason=TEXT");
        }

        var response = await call.WriteAsync(
            $"sys/rotation/rotate/{Paths.Clean(call.Arguments[0])}",
            writer =>
            {
                writer.WriteBoolean("now", _now.Value);
                if (_reason.Value is { Length: > 0 } reason)
                {
                    writer.WriteString("reason", reason);
                }
            }
        );
        return response.IsSuccess
            ? RotationStatusCommand.Show(call, response)
            : call.Refused("Error rotating the secret", response);
    }
}
