using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Auth.Token;

/// <summary>
/// <c>auth/token</c>: creating, looking up, renewing and revoking tokens, and token roles. The server mounts it itself, and
/// gives it what no other engine has: the token store and the issuer.
/// </summary>
internal sealed class TokenEngine : Engine
{
    public TokenEngine(MountContext context, TokenIssuer issuer, Authentication authentication, TokenRenewal renewal)
    {
        var roles = new TokenRoles(context.View);
        var creation = new TokenCreation(issuer, roles, context.Mount);
        var lookup = new TokenLookup(issuer.Tokens, issuer.Time);
        var revocation = new TokenRevocation(issuer.Tokens, authentication);
        Paths = new PathTable([
            .. creation.Entries,
            .. lookup.Entries,
            .. renewal.Entries,
            .. revocation.Entries,
            .. roles.Entries,
        ]);
    }

    public override PathTable Paths { get; }
}
