namespace Mayfly.Cli;

/// <summary>The token of the last login: ours in <c>~/.mayfly-token</c>; Vault's is read when there is none.</summary>
internal static class TokenFile
{
    private const string Own = ".mayfly-token";
    private const string Vaults = ".vault-token";

    /// <summary>The stored token, or null.</summary>
    public static string? Read(Session session)
    {
        if (session.HomeFolder is not { Length: > 0 } home)
        {
            return null;
        }

        return Read(Path.Combine(home, Own)) ?? Read(Path.Combine(home, Vaults));
    }

    /// <summary>Replaces the stored token, whole or not at all; readable by its owner only from the first byte on.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public static void Write(Session session, string token)
    {
        var home = session.HomeFolder is { Length: > 0 } folder
            ? folder
            : throw new IOException("HOME is not set, so there is no place for the token");
        var temporary = Path.Combine(home, $"{Own}.{Environment.ProcessId}");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            using (var file = new StreamWriter(temporary, System.Text.Encoding.ASCII, options))
            {
                file.Write(token);
            }

            File.Move(temporary, Path.Combine(home, Own), overwrite: true);
        }
        catch (UnauthorizedAccessException failure)
        {
            throw new IOException(failure.Message, failure);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static string? Read(string path)
    {
        try
        {
            return File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } token ? token : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
