using System.Text.Json;
using Mayfly.Client.Redaction;
using Mayfly.Client.Transport;

namespace Mayfly.Client.Logins;

/// <summary>What a login has given: a token, and how long it lives. Immutable; its text does not tell the token.</summary>
public sealed class Login
{
    /// <summary>A login with a token. Redaction finds the token from now on.</summary>
    /// <param name="token">The token. A secret.</param>
    public Login(string token)
    {
        Token = token;
        SecretRegistry.Shared.Add(token, this);
    }

    /// <summary>The token. A secret.</summary>
    public string Token { get; }

    /// <summary>How long the token lives from when it was asked for; zero when it does not expire.</summary>
    public TimeSpan LeaseDuration { get; init; }

    /// <summary>The token's life can be prolonged.</summary>
    public bool IsRenewable { get; init; }

    /// <summary>Names the token without being one; empty for batch tokens.</summary>
    public string Accessor { get; init; } = "";

    /// <summary>The policies that the token holds.</summary>
    public IReadOnlyList<string> Policies { get; init; } = [];

    /// <summary>The identity behind the token, or empty.</summary>
    public string EntityId { get; init; } = "";

    /// <summary><c>service</c> or <c>batch</c>; empty when the server does not say.</summary>
    public string TokenType { get; init; } = "";

    /// <summary>
    /// The token was made by this login, and not handed in from outside. Only such a token is revoked when its session ends.
    /// </summary>
    public bool IsOwn { get; init; } = true;

    /// <summary>Reads the envelope's <c>auth</c>, as a login or a renewal answers it.</summary>
    /// <param name="response">The answer.</param>
    /// <exception cref="MayflyApiException">The answer is a failure.</exception>
    /// <exception cref="LoginException">The answer holds no token, for example because it asks for a second factor.</exception>
    public static Login Read(MayflyResponse response)
    {
        var auth = response.EnsureSuccess().Auth;
        if (auth.Text("client_token") is not { Length: > 0 } token)
        {
            throw new LoginException(
                auth.Property("mfa_requirement").ValueKind == JsonValueKind.Object
                    ? "the server asks for a second factor, which a program cannot give"
                    : "the server's answer holds no token"
            );
        }

        return new Login(token)
        {
            LeaseDuration = auth.Seconds("lease_duration"),
            IsRenewable = auth.Flag("renewable"),
            Accessor = auth.Text("accessor") ?? "",
            Policies = auth.Texts("policies"),
            EntityId = auth.Text("entity_id") ?? "",
            TokenType = auth.Text("token_type") ?? "",
        };
    }

    /// <summary>The accessor and the policies.</summary>
    public override string ToString() =>
        $"{nameof(Login)} {{ Accessor = {Accessor}, LeaseDuration = {LeaseDuration}, Policies = {string.Join(',', Policies)} }}";
}
