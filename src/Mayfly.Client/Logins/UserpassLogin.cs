using Mayfly.Client.Transport;

namespace Mayfly.Client.Logins;

/// <summary>A user's name and password.</summary>
/// <param name="username">The user.</param>
/// <param name="password">The password. A secret.</param>
public sealed class UserpassLogin(string username, string password) : ILoginMethod
{
    /// <summary>Where the method is mounted, below <c>auth/</c>.</summary>
    public string Mount { get; init; } = "userpass";

    /// <inheritdoc/>
    public Task<Login> LoginAsync(MayflyClient client, CancellationToken cancellationToken) =>
        LoginRequest.SendAsync(
            client,
            $"{Mount}/login/{username}",
            JsonBody.Of(("password", password)),
            cancellationToken
        );
}
