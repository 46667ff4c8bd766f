using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Token;

internal sealed class TokenRenewCommand() : Command("renew", "Let a token live longer")
{
    private readonly BoolFlag _accessor = new("accessor", "The argument is an accessor.");

    private readonly DurationFlag _increment = new("increment", "How much longer; the server may give less.")
    {
        Alias = "i",
    };

    public override string Usage => "[options] [TOKEN | ACCESSOR]";

    public override string Details =>
        """
            Renews a token: the one in use, or the one given.
            $ mayfly token renew
            $ mayfly token renew -increment=30m
            """;

    public override IReadOnlyList<Flag> Flags => [_accessor, _increment];

    public override bool HasField => true;

    public override int Most => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        if (_accessor.Value && call.Arguments.Count == 0)
        {
            return call.Wrong("Missing the accessor");
        }

        var response =
            call.Arguments.Count == 0
                ? await call.WriteAsync("auth/token/renew-self", WriteIncrement)
                : await TokenTarget.WriteAsync(call, "renew", call.Arguments[0], _accessor.Value, WriteIncrement);
        return response.IsSuccess ? call.Show(response) : call.Refused("Error renewing token", response);
    }

    private void WriteIncrement(Utf8JsonWriter writer)
    {
        if (_increment.Value is { } increment)
        {
            writer.WriteString("increment", increment);
        }
    }
}
