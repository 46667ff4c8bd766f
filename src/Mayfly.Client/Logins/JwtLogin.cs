using Mayfly.Client.Transport;

namespace Mayfly.Client.Logins;

/// <summary>
/// A JWT in a file, such as a platform projects for a workload. The file is read at each login: such tokens are replaced
/// before they expire. Not for concurrent use of its own.
/// </summary>
/// <param name="path">The file; white space around the JWT is left out.</param>
public sealed class JwtLogin(string path) : ILoginMethod
{
    // What a file that was removed gave.
    private string? _last;

    /// <summary>The role to log in to; null for the method's default role.</summary>
    public string? Role { get; init; }

    /// <summary>Where the method is mounted, below <c>auth/</c>.</summary>
    public string Mount { get; init; } = "jwt";

    /// <summary>
    /// Remove the file once it is read. The JWT is kept in memory, and used until there is a file again. A link is removed, not
    /// what it points to.
    /// </summary>
    public bool RemoveFile { get; init; }

    /// <summary>With <see cref="RemoveFile"/>, remove what a link points to instead of the link.</summary>
    public bool RemoveFollowsLinks { get; init; }

    /// <summary>Told, without secrets, what went wrong and does not keep from logging in: a file that cannot be removed.</summary>
    public Action<string>? Warning { get; init; }

    /// <inheritdoc/>
    public async Task<Login> LoginAsync(MayflyClient client, CancellationToken cancellationToken)
    {
        var jwt =
            RemoveFile && _last is not null && !File.Exists(path)
                ? _last
                : await CredentialFile.ReadAsync(path, "a JWT", cancellationToken);
        if (RemoveFile)
        {
            _last = jwt;
            Remove();
        }

        var body = JsonBody.Of(("role", Role), ("jwt", jwt));
        return await LoginRequest.SendAsync(client, $"{Mount}/login", body, cancellationToken);
    }

    private void Remove()
    {
        try
        {
            var target = RemoveFollowsLinks ? new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true) : null;
            File.Delete(target?.FullName ?? path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Warning?.Invoke($"the JWT's file {path} could not be removed: {failure.Message}");
        }
    }
}
