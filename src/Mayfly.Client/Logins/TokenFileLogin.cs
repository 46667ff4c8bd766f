namespace Mayfly.Client.Logins;

/// <summary>
/// A token in a file that somebody else keeps up to date, such as an agent. Another token in the file takes effect within
/// <see cref="LoginSessionOptions.WatchInterval"/>. Never revoked.
/// </summary>
/// <param name="path">The file; white space around the token is left out.</param>
public sealed class TokenFileLogin(string path) : IChangingLoginMethod
{
    private string? _last;

    /// <inheritdoc/>
    public async Task<Login> LoginAsync(MayflyClient client, CancellationToken cancellationToken)
    {
        var token = await CredentialFile.ReadAsync(path, "a token", cancellationToken);
        // Before the look-up: a token that is refused is not asked about again until the file changes or the back-off ends.
        _last = token;
        return await TokenLogin.LookupAsync(client, token, cancellationToken);
    }

    async ValueTask<bool> IChangingLoginMethod.HasChangedAsync(CancellationToken cancellationToken)
    {
        try
        {
            return !string.Equals(
                await CredentialFile.ReadAsync(path, "a token", cancellationToken),
                _last,
                StringComparison.Ordinal
            );
        }
        catch (LoginException)
        {
            // Between the old file and the new one. The token that is held goes on.
            return false;
        }
    }
}
