using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Auth.Token;

/// <summary>
/// Renewing tokens. A token from an auth method is renewed only if the method, asked again, still stands by it.
/// </summary>
internal sealed class TokenRenewal(TokenIssuer issuer, MountRegistry mounts)
{
    private static readonly FieldSpec Increment = new(
        "increment",
        FieldType.Duration,
        "How much longer it is to live; the limits of mount and role hold."
    );

    public IEnumerable<PathEntry> Entries =>
        [
            new("renew")
            {
                Help = "Renews a token.",
                Fields = [new("token", FieldType.String, "The token.") { Required = true }, Increment],
                Write = async (request, cancellation) =>
                {
                    var token = request.Fields.String("token");
                    return await issuer.Tokens.FindAsync(token, cancellation) is { } entry
                        ? await RenewAsync(entry, token, request.Fields.Duration("increment"), cancellation)
                        : Fault.Denied("bad token");
                },
            },
            new("renew-self")
            {
                Help = "Renews the caller's own token.",
                Fields = [new("token", FieldType.String, "Not looked at."), Increment],
                Write = (request, cancellation) =>
                    RenewAsync(
                        request.Caller.Token,
                        request.Request.Token!,
                        request.Fields.Duration("increment"),
                        cancellation
                    ),
            },
            new("renew-accessor")
            {
                Help = "Renews the token with that accessor.",
                Fields = [new("accessor", FieldType.String, "The accessor.") { Required = true }, Increment],
                Write = async (request, cancellation) =>
                    await issuer.Tokens.FindByAccessorAsync(request.Fields.String("accessor"), cancellation)
                        is { } entry
                        ? await RenewAsync(entry, "", request.Fields.Duration("increment"), cancellation)
                        : Fault.Denied("invalid accessor"),
            },
        ];

    /// <summary>Renews a token.</summary>
    /// <param name="token">Its record.</param>
    /// <param name="text">The token itself for the reply, or "" where it is not known.</param>
    /// <param name="increment">How much from now; zero for as much as its role gives.</param>
    /// <param name="cancellation">Gives up.</param>
    public async ValueTask<Outcome> RenewAsync(
        TokenEntry token,
        string text,
        TimeSpan increment,
        CancellationToken cancellation
    )
    {
        if (token.Type == TokenType.Batch)
        {
            return Fault.Invalid("batch tokens cannot be renewed");
        }

        if (!token.Renewable || token.ExpiresAt is null)
        {
            return Fault.Invalid("lease is not renewable");
        }

        var mounted = mounts.Table.All.FirstOrDefault(mounted => mounted.Mount.Accessor == token.MountAccessor);
        TokenParameters? role = null;
        if (mounted?.Engine is IRenewsTokens method)
        {
            (role, var refusal) = await method.RenewAsync(token, cancellation);
            if (refusal is not null)
            {
                return refusal;
            }
        }

        var now = issuer.Time.GetUtcNow();
        var tuning = mounted?.Mount.Tuning ?? new MountTuning();
        var end = TokenLifetime.Renewed(token, role, increment, tuning, issuer.Server, now);
        var (renewed, fault) = await issuer.Tokens.ChangeAsync(
            token.Accessor,
            entry => entry with { ExpiresAt = end, LastRenewal = now },
            cancellation
        );
        if (fault is not null)
        {
            return fault;
        }

        if (renewed is null)
        {
            return Fault.Denied("bad token");
        }

        var left = end > now ? end - now : TimeSpan.Zero;
        var response = new Response { Auth = new IssuedToken(text, renewed, left) };
        if (increment > left)
        {
            response.Warnings.Add(
                $"TTL of \"{(long)increment.TotalSeconds}s\" exceeded the effective max_ttl of "
                    + $"\"{(long)left.TotalSeconds}s\"; TTL value is capped accordingly"
            );
        }

        return response;
    }
}
