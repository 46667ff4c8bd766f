using Mayfly.Core.Auth;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;

namespace Mayfly.Core.Identity;

/// <summary>Token → identity: who makes a request, and what their policies allow. Safe for concurrent use.</summary>
internal sealed class Authentication(TokenStore tokens, PolicyStore policies)
{
    /// <summary>The caller behind the request's token.</summary>
    public async ValueTask<(Caller? Caller, Fault? Fault)> IdentifyAsync(
        Request request,
        CancellationToken cancellation
    )
    {
        if (request.Token is not { Length: > 0 } token)
        {
            return (null, Fault.Unauthenticated(Fault.PermissionDenied));
        }

        var entry = await tokens.FindAsync(token, cancellation);
        if (entry is null || (entry.BoundCidrs.Count > 0 && !Cidr.Allows(entry.BoundCidrs, request.RemoteAddress)))
        {
            return (null, Fault.Unauthenticated(Fault.PermissionDenied));
        }

        return (await CallerAsync(entry, cancellation), null);
    }

    /// <summary>The caller that a live token stands for, whoever shows it.</summary>
    public async ValueTask<Caller?> FindAsync(string token, CancellationToken cancellation) =>
        await tokens.FindAsync(token, cancellation) is { } entry ? await CallerAsync(entry, cancellation) : null;

    /// <inheritdoc cref="FindAsync"/>
    public async ValueTask<Caller?> FindByAccessorAsync(string accessor, CancellationToken cancellation) =>
        await tokens.FindByAccessorAsync(accessor, cancellation) is { } entry
            ? await CallerAsync(entry, cancellation)
            : null;

    private async ValueTask<Caller> CallerAsync(TokenEntry entry, CancellationToken cancellation) =>
        new(entry, await policies.AclForAsync(entry.Policies, cancellation));
}
