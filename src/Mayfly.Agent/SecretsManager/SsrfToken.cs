using System.Security.Cryptography;
using System.Text;
using Mayfly.Agent.Configuration;
using Mayfly.Agent.Files;
using Microsoft.AspNetCore.Http;

namespace Mayfly.Agent.SecretsManager;

/// <summary>
/// The token that a program must send to show that it can read this machine's files or environment, and is not being made to ask
/// by somebody else.
/// </summary>
internal sealed class SsrfToken
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    private readonly byte[] _hash;

    private SsrfToken(string token) => _hash = SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>Finds the token: in the stanza's file, which is made when it is not there, or in the first variable that is set.</summary>
    /// <exception cref="AgentException">There is none, or somebody else has put the file there.</exception>
    public static SsrfToken Of(SecretsManagerStanza settings, Func<string, string?> environment)
    {
        try
        {
            if (settings.SsrfTokenFile is { } file)
            {
                if (!File.Exists(file))
                {
                    AtomicFile.Write(
                        file,
                        Encoding.ASCII.GetBytes(RandomNumberGenerator.GetHexString(64, lowercase: true)),
                        Mode,
                        "",
                        ""
                    );
                }

                // Whoever may write to the folder could have chosen the token, or led to a file that everybody can read.
                if (
                    FileStatus.Of(file) is not { IsTrusted: true }
                    || FileStatus.Of(file, followsLinks: true) is not { IsTrusted: true }
                )
                {
                    throw new AgentException(
                        $"{file}, which should hold a token, is of another user, who may know it: remove it, and the agent makes one"
                    );
                }

                return new SsrfToken(NotEmpty(File.ReadAllText(file).Trim(), file));
            }

            var variable = settings.SsrfVariables.FirstOrDefault(name => !string.IsNullOrEmpty(environment(name)));
            if (variable is null)
            {
                throw new AgentException(
                    $"listener \"secretsmanager\" needs a token against forged requests: set {string.Join(" or ", settings.SsrfVariables)} (or file:// and a path), or ssrf_token_file"
                );
            }

            var value = environment(variable)!;
            return new SsrfToken(
                value.StartsWith("file://", StringComparison.Ordinal)
                    ? NotEmpty(File.ReadAllText(value[7..]).Trim(), value[7..])
                    : value
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException($"the token of listener \"secretsmanager\" cannot be had: {e.Message}", e);
        }
    }

    /// <summary>Whether one of the headers has it.</summary>
    public bool IsIn(IHeaderDictionary headers, IReadOnlyList<string> names)
    {
        var found = false;
        foreach (var name in names)
        {
            if (headers[name] is [{ } value])
            {
                found |= CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(value)), _hash);
            }
        }

        return found;
    }

    private static string NotEmpty(string text, string file) =>
        text.Length > 0 ? text : throw new AgentException($"{file}, which should hold a token, is empty");
}
