using System.Text;

namespace Mayfly.Core.Auth;

/// <summary>Names of users and roles that come from a path.</summary>
internal static class RoleName
{
    /// <summary>In bytes of UTF-8, as Vault's limit is.</summary>
    public const int MaxBytes = 4096;

    /// <summary>The name as it is kept: in lower case. Null when it can be no name.</summary>
    public static string? Normalize(string? name, int maxBytes = MaxBytes)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > maxBytes)
        {
            return null;
        }

        foreach (var rune in name.EnumerateRunes())
        {
            // An incomplete surrogate pair enumerates as the replacement character, and would share its record.
            if (Rune.IsControl(rune) || rune == Rune.ReplacementChar)
            {
                return null;
            }
        }

        var lower = name.ToLowerInvariant();
        return Encoding.UTF8.GetByteCount(lower) <= maxBytes ? lower : null;
    }
}
