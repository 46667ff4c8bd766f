using Mayfly.Client.Transport;

namespace Mayfly.Client.Logins;

/// <summary>An AppRole: a role id, and a secret id unless the role needs none. Not for concurrent use of its own.</summary>
public sealed class AppRoleLogin : ILoginMethod
{
    // What a file or a wrapping token gave that can be had only once.
    private string? _secretId;
    private string? _wrappingToken;

    /// <summary>The role id. Either this or <see cref="RoleIdFile"/>.</summary>
    public string? RoleId { get; init; }

    /// <summary>A file with the role id. Read at each login.</summary>
    public string? RoleIdFile { get; init; }

    /// <summary>The secret id. A secret.</summary>
    public string? SecretId { get; init; }

    /// <summary>
    /// A file with the secret id. Read at each login, so that a new secret id takes effect; when it is gone, the last one that
    /// was read is used again.
    /// </summary>
    public string? SecretIdFile { get; init; }

    /// <summary>The secret id is a wrapping token that holds it. It is unwrapped once, and kept in memory for later logins.</summary>
    public bool IsSecretIdWrapped { get; init; }

    /// <summary>
    /// The path that a wrapped secret id must have been created at, such as <c>auth/approle/role/app/secret-id</c>; null for
    /// any. Another path means that somebody has replaced it.
    /// </summary>
    public string? WrappedAtPath { get; init; }

    /// <summary>Remove <see cref="SecretIdFile"/> once it is read.</summary>
    public bool RemoveSecretIdFile { get; init; }

    /// <summary>Told, without secrets, what went wrong and does not keep from logging in: a file that cannot be removed.</summary>
    public Action<string>? Warning { get; init; }

    /// <summary>Where the method is mounted, below <c>auth/</c>.</summary>
    public string Mount { get; init; } = "approle";

    /// <inheritdoc/>
    public async Task<Login> LoginAsync(MayflyClient client, CancellationToken cancellationToken)
    {
        var roleId =
            RoleId
            ?? await CredentialFile.ReadAsync(
                RoleIdFile ?? throw new LoginException($"{nameof(AppRoleLogin)} needs a role id"),
                "a role id",
                cancellationToken
            );
        var secretId = await SecretIdAsync(client, cancellationToken);
        var body = JsonBody.Of(("role_id", roleId), ("secret_id", secretId));
        return await LoginRequest.SendAsync(client, $"{Mount}/login", body, cancellationToken);
    }

    private async Task<string?> SecretIdAsync(MayflyClient client, CancellationToken cancellationToken)
    {
        var text = SecretId;
        if (SecretIdFile is not null)
        {
            if (_secretId is not null && !File.Exists(SecretIdFile))
            {
                return _secretId;
            }

            text = await CredentialFile.ReadAsync(SecretIdFile, "a secret id", cancellationToken);
        }

        if (text is null)
        {
            return null;
        }

        if (!IsSecretIdWrapped)
        {
            _secretId = text;
        }
        else if (!string.Equals(text, _wrappingToken, StringComparison.Ordinal))
        {
            _secretId = await UnwrapAsync(client, text, cancellationToken);
            _wrappingToken = text;
        }

        Remove();
        return _secretId;
    }

    private async Task<string> UnwrapAsync(MayflyClient client, string token, CancellationToken cancellationToken)
    {
        if (WrappedAtPath is { } expected)
        {
            var lookup = await client.Wrapping.LookupAsync(token, cancellationToken);
            if (!string.Equals(lookup.CreationPath, expected.TrimStart('/'), StringComparison.Ordinal))
            {
                throw new LoginException(
                    $"the wrapped secret id was created at {lookup.CreationPath}, not at {expected}: somebody may have replaced it"
                );
            }
        }

        var data = (await client.Wrapping.UnwrapAsync(token, cancellationToken)).Data;
        return data.Text("secret_id") is { Length: > 0 } secretId
            ? secretId
            : throw new LoginException("what is wrapped is not a secret id");
    }

    private void Remove()
    {
        if (!RemoveSecretIdFile || SecretIdFile is null)
        {
            return;
        }

        try
        {
            File.Delete(SecretIdFile);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Warning?.Invoke($"the secret id's file {SecretIdFile} could not be removed: {failure.Message}");
        }
    }
}
