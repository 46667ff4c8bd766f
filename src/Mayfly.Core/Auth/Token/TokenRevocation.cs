using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Auth.Token;

/// <summary>Ending tokens, with their children or without, and tidying up.</summary>
internal sealed class TokenRevocation(TokenStore tokens, Authentication authentication)
{
    private static readonly FieldSpec Token = new("token", FieldType.String, "The token.") { Required = true };

    public IEnumerable<PathEntry> Entries =>
        [
            new("revoke")
            {
                Help = "Ends a token with all its children.",
                Fields = [Token],
                Write = (request, cancellation) => ByTokenAsync(request, orphanChildren: false, cancellation),
            },
            new("revoke-self")
            {
                Help = "Ends the caller's own token with all its children.",
                Fields = [new("token", FieldType.String, "Not looked at.")],
                Write = async (request, cancellation) =>
                    request.Caller.Token.Type == TokenType.Batch
                        ? Fault.Invalid("batch tokens cannot be revoked")
                        : Done(await tokens.Revoker.RevokeAsync(request.Caller.Token.Accessor, false, cancellation)),
            },
            new("revoke-orphan")
            {
                Help = "Ends a token and sets its children free.",
                Access = Access.Sudo,
                Fields = [Token],
                Write = (request, cancellation) => ByTokenAsync(request, orphanChildren: true, cancellation),
            },
            new("revoke-accessor")
            {
                Help = "Ends the token with that accessor, with all its children.",
                Fields = [new("accessor", FieldType.String, "The accessor.") { Required = true }],
                Write = ByAccessorAsync,
            },
            new("tidy")
            {
                Help = "Removes what tokens that are gone have left behind.",
                Write = async (_, cancellation) =>
                {
                    await tokens.Leftovers.RemoveAsync(cancellation);
                    return new Response { Warnings = ["Tidy operation completed."] };
                },
            },
        ];

    private async ValueTask<Outcome> ByTokenAsync(
        AuthorizedRequest request,
        bool orphanChildren,
        CancellationToken cancellation
    )
    {
        if (await authentication.FindAsync(request.Fields.String("token"), cancellation) is not { } target)
        {
            return orphanChildren ? Fault.Invalid("token to revoke not found") : Outcome.Done;
        }

        return target.Token.Type == TokenType.Batch
            ? Fault.Invalid("batch tokens cannot be revoked")
            : Done(await tokens.Revoker.RevokeAsync(target.Token.Accessor, orphanChildren, cancellation));
    }

    private async ValueTask<Outcome> ByAccessorAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        await tokens.FindByAccessorAsync(request.Fields.String("accessor"), cancellation) is { } entry
            ? Done(await tokens.Revoker.RevokeAsync(entry.Accessor, orphanChildren: false, cancellation))
            : Fault.Denied("invalid accessor");

    private static Outcome Done(Fault? fault) => fault is null ? Outcome.Done : fault;
}
