using System.Diagnostics.CodeAnalysis;

namespace Mayfly.Agent.Run;

/// <summary>A field of a secret for a variable: <c>DB_PASSWORD=secret/app#password</c>.</summary>
/// <param name="Variable">The environment variable.</param>
/// <param name="Path">The secret.</param>
/// <param name="Field">The field; null for the whole secret as JSON.</param>
internal sealed record SecretReference(string Variable, string Path, string? Field)
{
    /// <summary>Reads what was typed.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out SecretReference? reference)
    {
        reference = null;
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            return false;
        }

        var hash = text.LastIndexOf('#');
        var path = (hash > equals ? text[(equals + 1)..hash] : text[(equals + 1)..]).Trim('/');
        if (path.Length == 0 || hash == text.Length - 1)
        {
            return false;
        }

        reference = new SecretReference(text[..equals], path, hash > equals ? text[(hash + 1)..] : null);
        return true;
    }
}
