namespace Mayfly.Core.Policy;

/// <summary>Names of policies, and those that mean something to the server.</summary>
internal static class PolicyNames
{
    /// <summary>Allows everything; has no text.</summary>
    public const string Root = "root";

    /// <summary>Every token has it unless it was made without; can be changed, not deleted.</summary>
    public const string Default = "default";

    /// <summary>What a wrapping token may do; cannot be changed.</summary>
    public const string ResponseWrapping = "response-wrapping";

    private const int MaxLength = 512;

    /// <summary>The name as it is stored: trimmed, in lower case.</summary>
    public static string Normalize(string name) => name.Trim().ToLowerInvariant();

    /// <summary>Why a normalized name cannot be one, or null.</summary>
    public static string? Problem(string name)
    {
        if (name.Length is 0 or > MaxLength)
        {
            return $"a policy's name has 1 to {MaxLength} characters";
        }

        foreach (var character in name)
        {
            if (char.IsControl(character) || char.IsSurrogate(character))
            {
                return "a policy's name must not hold control characters";
            }
        }

        return name.Split('/').Any(segment => segment is "" or "." or "..")
            ? "a policy's name must not hold empty, '.' or '..' segments"
            : null;
    }
}
