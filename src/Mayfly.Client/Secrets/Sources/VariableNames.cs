namespace Mayfly.Client.Secrets.Sources;

/// <summary>How secrets with fields are spelled as variables.</summary>
internal static class VariableNames
{
    private const string FieldMark = "__";

    /// <summary>The variable of a secret's name: capitals, digits, and underscores for all else.</summary>
    public static string Of(string name) =>
        string.Create(
            name.Length,
            name,
            static (variable, name) =>
            {
                for (var i = 0; i < name.Length; i++)
                {
                    variable[i] = char.IsAsciiLetterOrDigit(name[i]) ? char.ToUpperInvariant(name[i]) : '_';
                }
            }
        );

    /// <summary>The secret of a variable and those of its fields, or null when there is none of them.</summary>
    public static FetchedSecret? Find(string variable, IEnumerable<KeyValuePair<string, string>> variables)
    {
        var fields = new SortedDictionary<string, string>(StringComparer.Ordinal);
        FetchedSecret? whole = null;
        foreach (var (name, value) in variables)
        {
            if (string.Equals(name, variable, StringComparison.Ordinal))
            {
                whole = FetchedSecret.Parse(value);
            }
            else if (
                name.StartsWith(variable, StringComparison.Ordinal)
                && name.AsSpan(variable.Length).StartsWith(FieldMark, StringComparison.Ordinal)
                && name.Length > variable.Length + FieldMark.Length
            )
            {
                fields[name[(variable.Length + FieldMark.Length)..].ToLowerInvariant()] = value;
            }
        }

        return fields.Count > 0 ? FetchedSecret.Of(fields) : whole;
    }
}
