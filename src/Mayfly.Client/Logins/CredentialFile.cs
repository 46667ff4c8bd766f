using System.Text;

namespace Mayfly.Client.Logins;

/// <summary>A small file with one secret in it, as orchestrators put it into a container.</summary>
internal static class CredentialFile
{
    private const int Largest = 64 * 1024;

    /// <summary>The text, without white space around it.</summary>
    /// <exception cref="LoginException">The file cannot be read, is empty, or is no such file.</exception>
    public static async Task<string> ReadAsync(string path, string what, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = new FileStream(
                path,
                FileMode.Open,
                FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete
            );
            var content = new byte[Largest + 1];
            var length = await file.ReadAtLeastAsync(
                content,
                content.Length,
                throwOnEndOfStream: false,
                cancellationToken
            );
            if (length > Largest)
            {
                throw new LoginException($"the file {path} is too large for {what}");
            }

            var text = Encoding.UTF8.GetString(content, 0, length).Trim();
            return text.Length > 0
                ? text
                : throw new LoginException($"the file {path}, which should hold {what}, is empty");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new LoginException($"{what} cannot be read from {path}: {failure.Message}", failure);
        }
    }
}
