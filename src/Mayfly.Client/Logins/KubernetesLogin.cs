namespace Mayfly.Client.Logins;

/// <summary>The service account of the pod that this program runs in.</summary>
/// <param name="role">The role to log in to.</param>
public sealed class KubernetesLogin(string role) : ILoginMethod
{
    /// <summary>Where Kubernetes puts the token of a pod's service account.</summary>
    public const string DefaultTokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token";

    /// <summary>The service account's token. Read at each login: Kubernetes replaces it before it expires.</summary>
    public string TokenFile { get; init; } = DefaultTokenFile;

    /// <summary>Where the method is mounted, below <c>auth/</c>.</summary>
    public string Mount { get; init; } = "kubernetes";

    /// <inheritdoc/>
    public Task<Login> LoginAsync(MayflyClient client, CancellationToken cancellationToken) =>
        new JwtLogin(TokenFile) { Role = role, Mount = Mount }.LoginAsync(client, cancellationToken);
}
