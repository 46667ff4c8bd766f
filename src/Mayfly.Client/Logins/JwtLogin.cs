using Mayfly.Client.Transport;

namespace Mayfly.Client.Logins;

/// <summary>
/// A JWT in a file, such as a platform projects for a workload. The file is read at each login: such tokens are replaced
/// before they expire.
/// </summary>
/// <param name="path">The file; white space around the JWT is left out.</param>
public sealed class JwtLogin(string path) : ILoginMethod
{
    /// <summary>The role to log in to; null for the method's default role.</summary>
    public string? Role { get; init; }

    /// <summary>Where the method is mounted, below <c>auth/</c>.</summary>
    public string Mount { get; init; } = "jwt";

    /// <inheritdoc/>
    public async Task<Login> LoginAsync(MayflyClient client, CancellationToken cancellationToken)
    {
        var jwt = await CredentialFile.ReadAsync(path, "a JWT", cancellationToken);
        var body = JsonBody.Of(("role", Role), ("jwt", jwt));
        return await LoginRequest.SendAsync(client, $"{Mount}/login", body, cancellationToken);
    }
}
