using Mayfly.Client;
using Mayfly.Client.Logins;

namespace Mayfly.Agent.Identity;

/// <summary>A user whose password is in a file, which is read at each login.</summary>
internal sealed class UserpassFileLogin(string username, string passwordFile, string mount) : ILoginMethod
{
    private const int LongestPassword = 4096;

    public async Task<Login> LoginAsync(MayflyClient client, CancellationToken cancellationToken)
    {
        string password;
        try
        {
            if (new FileInfo(passwordFile).Length > LongestPassword)
            {
                throw new LoginException($"{passwordFile} is too large for a password");
            }

            password = (await File.ReadAllTextAsync(passwordFile, cancellationToken)).TrimEnd('\r', '\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LoginException($"a password cannot be read from {passwordFile}: {e.Message}", e);
        }

        return password.Length == 0
            ? throw new LoginException($"{passwordFile}, which should hold a password, is empty")
            : await new UserpassLogin(username, password) { Mount = mount }.LoginAsync(client, cancellationToken);
    }
}
