using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Token;

internal sealed class TokenRevokeCommand() : Command("revoke", "Revoke a token and its children")
{
    private readonly BoolFlag _accessor = new("accessor", "The argument is an accessor.");
    private readonly BoolFlag _self = new("self", "Revoke the token in use.");

    private readonly TextFlag _mode = new(
        "mode",
        "orphan: leave its children alive. path: all tokens made below a path."
    )
    {
        Choices = ["orphan", "path"],
    };

    public override string Usage => "[options] [TOKEN | ACCESSOR | PATH]";

    public override string Details =>
        """
            Revokes a token, its children and what was leased to them, at once.
            $ mayfly token revoke -self
            $ mayfly token revoke -accessor 9793c9b3-e04a-46f3-e7b8-748d7da248da
            $ mayfly token revoke - < token.txt
            """;

    public override IReadOnlyList<Flag> Flags => [_accessor, _self, _mode];

    public override int Most => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        var target = call.Arguments.Count == 0 ? null : call.Arguments[0];
        if (Check(target) is { } wrong)
        {
            return call.Wrong(wrong);
        }

        var response =
            _self.Value ? await call.WriteAsync("auth/token/revoke-self", static _ => { })
            : _mode.Value == "path" ? await call.WriteAsync($"sys/leases/revoke-prefix/{target}", static _ => { })
            : await TokenTarget.WriteAsync(
                call,
                _mode.Value == "orphan" ? "revoke-orphan" : "revoke",
                target!,
                _accessor.Value
            );
        return call.Done("Success! Revoked token (if it existed)", "Error revoking token", response);
    }

    private string? Check(string? target) =>
        (_self.Value, _accessor.Value, target, _mode.Value) switch
        {
            (false, _, null, _) => "Missing the token to revoke: give TOKEN, -accessor ACCESSOR or -self",
            (true, _, not null, _) => "-self takes no argument",
            (true, true, _, _) => "Cannot use -self with -accessor",
            (true, _, _, { Length: > 0 }) => "Cannot use -self with -mode",
            (_, true, _, { Length: > 0 }) => "Cannot use -accessor with -mode",
            (_, _, _, null or "" or "orphan" or "path") => null,
            _ => "Invalid mode: choose orphan or path",
        };
}
