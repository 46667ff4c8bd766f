using System.Text.Json;
using Mayfly.Client.Logins;
using Mayfly.Client.Transport;

namespace Mayfly.Client.Tokens;

/// <summary>
/// <c>auth/token</c>. Every call throws <see cref="MayflyApiException"/> when the server refuses and
/// <see cref="MayflyConnectionException"/> when no answer comes. Safe for concurrent use.
/// </summary>
public sealed class TokenPaths
{
    private readonly MayflyClient _client;

    internal TokenPaths(MayflyClient client) => _client = client;

    /// <summary>What the server knows of the client's token.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<TokenInfo> LookupSelfAsync(CancellationToken cancellationToken = default) =>
        TokenInfo.Read((await _client.ReadAsync("auth/token/lookup-self", cancellationToken)).EnsureSuccess().Data);

    /// <summary>What the server knows of another token.</summary>
    /// <param name="token">The token. A secret.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<TokenInfo> LookupAsync(string token, CancellationToken cancellationToken = default) =>
        TokenInfo.Read((await PutAsync("lookup", JsonBody.Of(("token", token)), cancellationToken)).Data);

    /// <summary>What the server knows of the token with that accessor.</summary>
    /// <param name="accessor">The accessor.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<TokenInfo> LookupAccessorAsync(string accessor, CancellationToken cancellationToken = default) =>
        TokenInfo.Read(
            (await PutAsync("lookup-accessor", JsonBody.Of(("accessor", accessor)), cancellationToken)).Data
        );

    /// <summary>Prolongs the client's token. A client that logs in by itself does so by itself.</summary>
    /// <param name="increment">How long it should live from now; null for as long as at first. The server may grant less.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<Login> RenewSelfAsync(
        TimeSpan? increment = null,
        CancellationToken cancellationToken = default
    ) =>
        Login.Read(
            await PutAsync("renew-self", JsonBody.Of(("increment", DurationText.Of(increment))), cancellationToken)
        );

    /// <summary>Prolongs another token.</summary>
    /// <param name="token">The token. A secret.</param>
    /// <param name="increment">As for <see cref="RenewSelfAsync"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<Login> RenewAsync(
        string token,
        TimeSpan? increment = null,
        CancellationToken cancellationToken = default
    ) =>
        Login.Read(
            await PutAsync(
                "renew",
                JsonBody.Of(("token", token), ("increment", DurationText.Of(increment))),
                cancellationToken
            )
        );

    /// <summary>Makes a token.</summary>
    /// <param name="request">What it should be.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<Login> CreateAsync(TokenRequest request, CancellationToken cancellationToken = default) =>
        Login.Read(
            await PutAsync(
                request.Role is { Length: > 0 } role ? "create/" + role : "create",
                JsonBody.Of(request, Write),
                cancellationToken
            )
        );

    /// <summary>Ends the client's token, with its children and what was issued with it.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    public Task RevokeSelfAsync(CancellationToken cancellationToken = default) =>
        PutAsync("revoke-self", JsonBody.Of(), cancellationToken);

    /// <summary>Ends a token, with its children and what was issued with it.</summary>
    /// <param name="token">The token. A secret.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task RevokeAsync(string token, CancellationToken cancellationToken = default) =>
        PutAsync("revoke", JsonBody.Of(("token", token)), cancellationToken);

    /// <summary>Ends the token with that accessor, with its children and what was issued with it.</summary>
    /// <param name="accessor">The accessor.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task RevokeAccessorAsync(string accessor, CancellationToken cancellationToken = default) =>
        PutAsync("revoke-accessor", JsonBody.Of(("accessor", accessor)), cancellationToken);

    private static void Write(Utf8JsonWriter json, TokenRequest request)
    {
        json.Strings("policies", request.Policies);
        json.Boolean("no_default_policy", request.NoDefaultPolicy);
        json.Boolean("no_parent", request.NoParent);
        json.Text("ttl", DurationText.Of(request.Ttl));
        json.Text("explicit_max_ttl", DurationText.Of(request.ExplicitMaxTtl));
        json.Text("period", DurationText.Of(request.Period));
        json.Boolean("renewable", request.IsRenewable);
        json.Integer("num_uses", request.NumUses);
        json.Text("type", request.Type);
        json.Text("display_name", request.DisplayName);
        json.StringsByName("meta", request.Metadata);
    }

    private async Task<MayflyResponse> PutAsync(
        string path,
        ReadOnlyMemory<byte> body,
        CancellationToken cancellationToken
    ) => (await _client.WriteAsync("auth/token/" + path, body, cancellationToken)).EnsureSuccess();
}
