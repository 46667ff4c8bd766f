using Mayfly.Client.Tokens;

namespace Mayfly.Client.Logins;

/// <summary>A token that somebody else has made. It is renewed when it can be, and never revoked.</summary>
/// <param name="token">The token. A secret.</param>
public sealed class TokenLogin(string token) : ILoginMethod
{
    /// <inheritdoc/>
    public Task<Login> LoginAsync(MayflyClient client, CancellationToken cancellationToken) =>
        LookupAsync(client, token, cancellationToken);

    /// <summary>A login from what the server says of a token.</summary>
    internal static async Task<Login> LookupAsync(
        MayflyClient client,
        string token,
        CancellationToken cancellationToken
    )
    {
        var request = new MayflyRequest(HttpMethod.Get, "auth/token/lookup-self") { Token = token };
        var info = TokenInfo.Read((await client.SendAsync(request, cancellationToken)).EnsureSuccess().Data);
        return new Login(token)
        {
            // A token in its last second has 0 left, which would mean that it never ends.
            LeaseDuration =
                info.ExpireTime is null ? info.Ttl
                : info.Ttl > TimeSpan.Zero ? info.Ttl
                : TimeSpan.FromSeconds(1),
            IsRenewable = info.IsRenewable,
            Accessor = info.Accessor,
            Policies = info.Policies,
            EntityId = info.EntityId,
            TokenType = info.Type,
            IsOwn = false,
        };
    }
}
