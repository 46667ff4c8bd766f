using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Token;

internal sealed class TokenLookupCommand() : Command("lookup", "Show what is known about a token")
{
    private readonly BoolFlag _accessor = new("accessor", "The argument is an accessor.");

    public override string Usage => "[options] [TOKEN | ACCESSOR]";

    public override string Details =>
        """
            Shows policies, times and origin of a token: of the one in use, or of the one given.
            $ mayfly token lookup
            $ mayfly token lookup -accessor 9793c9b3-e04a-46f3-e7b8-748d7da248da
            """;

    public override IReadOnlyList<Flag> Flags => [_accessor];

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
                ? await call.ReadAsync("auth/token/lookup-self")
                : await TokenTarget.WriteAsync(call, "lookup", call.Arguments[0], _accessor.Value);
        return response.IsSuccess ? call.Show(response) : call.Refused("Error looking up token", response);
    }
}
