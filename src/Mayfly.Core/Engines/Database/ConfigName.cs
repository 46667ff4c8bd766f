using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary>What configurations and roles may be called: what Vault takes in a path.</summary>
internal static class ConfigName
{
    private const int MaxLength = 128;

    public static bool IsUsable(string name) => Problem(name) is null;

    /// <summary>Why <paramref name="name"/> cannot be a name, or null.</summary>
    public static Fault? Problem(string name) =>
        name.Length is > 0 and <= MaxLength
        && char.IsAsciiLetterOrDigit(name[0])
        && name.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.')
            ? null
            : Fault.Invalid(
                $"a name has at most {MaxLength} letters, digits, dashes, underscores and dots, and begins with a letter or digit"
            );
}
