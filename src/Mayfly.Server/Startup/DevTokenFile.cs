namespace Mayfly.Server.Startup;

/// <summary>
/// <c>~/.vault-token</c>, where Vault's development server leaves its root token: command lines and client libraries
/// look there, so that the next command needs no login.
/// </summary>
internal static class DevTokenFile
{
    private const string Name = ".vault-token";

    /// <summary>
    /// Replaces it, whole or not at all, readable by its owner alone. A convenience: the server starts without it, and the
    /// reason is returned for the operator.
    /// </summary>
    public static string? Write(string? home, string token)
    {
        if (home is not { Length: > 0 })
        {
            return null;
        }

        var path = Path.Combine(home, Name);
        var temporary = $"{path}.{Environment.ProcessId}";
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        try
        {
            using (var file = new StreamWriter(temporary, System.Text.Encoding.ASCII, options))
            {
                file.Write(token);
            }

            File.Move(temporary, path, overwrite: true);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"the root token was not left in {path}: {e.Message}";
        }
    }
}
