using Mayfly.Core.Pipeline;
using Mayfly.Core.Seal;

namespace Mayfly.Core.Sys;

/// <summary>Reads what a caller shows for an operation of several people.</summary>
internal static class Claims
{
    /// <summary>
    /// These paths are open to everybody, so the token, if there is one, is looked at here: <c>sudo</c> on the path counts.
    /// </summary>
    public static Claim Of(AuthorizedRequest request)
    {
        var decision = request.CallerOrNull?.Acl.Decide(request.Operation, "sys/" + request.Path, null, null);
        return new Claim(
            decision is { Allowed: true, Sudo: true },
            request.Fields.String("nonce"),
            request.Fields.String("key")
        );
    }
}
