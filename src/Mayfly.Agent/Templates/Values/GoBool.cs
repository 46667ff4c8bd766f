namespace Mayfly.Agent.Templates.Values;

/// <summary>Truth as Go's strconv.ParseBool reads it: in templates, and in the variables and annotations that Vault's own agent reads so.</summary>
internal static class GoBool
{
    /// <summary>What a text says; null when it says neither.</summary>
    public static bool? Parse(string text) =>
        text switch
        {
            "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
            "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
            _ => null,
        };
}
