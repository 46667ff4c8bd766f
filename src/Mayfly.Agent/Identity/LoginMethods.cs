using Mayfly.Agent.Configuration;
using Mayfly.Client.Logins;

namespace Mayfly.Agent.Identity;

/// <summary>The client's way to log in for each <c>method</c>.</summary>
internal static class LoginMethods
{
    /// <param name="method">The stanza.</param>
    /// <param name="warn">Told what does not keep from logging in.</param>
    public static ILoginMethod Of(MethodStanza method, Action<string> warn) =>
        method switch
        {
            AppRoleMethod approle => new AppRoleLogin
            {
                RoleIdFile = approle.RoleIdFile,
                SecretIdFile = approle.SecretIdFile,
                RemoveSecretIdFile = approle.RemoveSecretIdFile && approle.SecretIdFile is not null,
                IsSecretIdWrapped = approle.WrappingPath is { Length: > 0 },
                WrappedAtPath = approle.WrappingPath,
                Mount = Mount(method, "approle"),
                Warning = warn,
            },
            TokenFileMethod file => new TokenFileLogin(file.TokenFile),
            UserpassMethod user => new UserpassFileLogin(user.Username, user.PasswordFile, Mount(method, "userpass")),
            JwtMethod jwt => new JwtLogin(jwt.JwtFile)
            {
                Role = jwt.Role,
                Mount = Mount(method, "jwt"),
                RemoveFile = jwt.RemoveJwtFile,
                RemoveFollowsLinks = jwt.RemoveFollowsLinks,
                Warning = warn,
            },
            KubernetesMethod pod => new KubernetesLogin(pod.Role)
            {
                TokenFile = pod.TokenFile,
                Mount = Mount(method, "kubernetes"),
            },
            _ => throw new InvalidOperationException($"Unknown method {method.GetType().Name}."),
        };

    /// <summary>The place below <c>auth/</c>, which Vault's stanzas write out.</summary>
    private static string Mount(MethodStanza method, string absent)
    {
        var path = method.MountPath ?? absent;
        return path.StartsWith("auth/", StringComparison.Ordinal) ? path[5..] : path;
    }
}
