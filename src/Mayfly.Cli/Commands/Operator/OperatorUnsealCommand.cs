using Mayfly.Cli.Commands.Data;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Operator;

internal sealed class OperatorUnsealCommand() : Command("unseal", "Unseal the server with one of its keys")
{
    private readonly BoolFlag _reset = new("reset", "Forget the keys given so far.");
    private readonly BoolFlag _migrate = new("migrate", "Change the seal to the configured one.");

    public override string Usage => "[options] [KEY]";

    public override string Details =>
        """
            Gives the server one of its unseal keys. Without KEY it is asked for, without echo, which keeps it out of
            the shell's history; "-" reads it from standard input.
            $ mayfly operator unseal
            $ mayfly operator unseal -reset
            With -migrate, and as many keys as the threshold says, the server goes over to the seal that its
            configuration names now.
            """;

    public override IReadOnlyList<Flag> Flags => [_reset, _migrate];

    public override int Most => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        string? key = null;
        if (!_reset.Value)
        {
            key =
                call.Arguments.Count > 0
                    ? TypedSecret.FromArgument(call.Session, call.Arguments[0])
                    : TypedSecret.FromPrompt(call.Session, "Unseal Key (will be hidden): ");
            if (string.IsNullOrEmpty(key))
            {
                return call.Wrong(TypedSecret.NothingTyped(call.Session, "unseal key"));
            }
        }

        var response = await call.WriteAsync(
            "sys/unseal",
            writer =>
            {
                if (key is null)
                {
                    writer.WriteBoolean("reset", true);
                    return;
                }

                writer.WriteString("key", key);
                if (_migrate.Value)
                {
                    writer.WriteBoolean("migrate", true);
                }
            }
        );
        if (!response.IsSuccess)
        {
            return call.Refused("Error unsealing", response);
        }

        await StatusCommand.ShowAsync(call, response);
        return Exit.Ok;
    }
}
