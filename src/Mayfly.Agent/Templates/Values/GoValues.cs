namespace Mayfly.Agent.Templates.Values;

/*
 * The values of a template, and the Go types that they stand for:
 *
 *   null         nil, or a missing value        string       string (see GoText)
 *   bool         bool                           GoSlice      []T
 *   long         int                            GoMap        map[string]T
 *   ulong        uint64                         GoRange      a channel of numbers, as loop makes it
 *   double       float64                        GoObject     a struct behind a pointer
 *   JsonNumber   json.Number
 */

/// <summary>A number of a secret, as it was written there: 1e3 stays 1e3.</summary>
internal sealed record JsonNumber(string Text)
{
    public override string ToString() => Text;
}

/// <summary>A slice whose elements have the Go type <paramref name="Element"/>.</summary>
internal sealed record GoSlice(IReadOnlyList<object?> Items, string Element = GoType.Any)
{
    /// <summary>A slice of strings.</summary>
    public static GoSlice Of(IEnumerable<string> texts) => new([.. texts], GoType.String);
}

/// <summary>A map from text, in the order in which Go prints and ranges over it.</summary>
internal sealed class GoMap(string element = GoType.Any) : SortedDictionary<string, object?>(StringComparer.Ordinal)
{
    /// <summary>The Go type of its values.</summary>
    public string Element => element;

    /// <summary>Another map with the same entries.</summary>
    public GoMap Copy()
    {
        var copy = new GoMap(Element);
        foreach (var (key, value) in this)
        {
            copy[key] = value;
        }

        return copy;
    }
}

/// <summary>The numbers from the first to just before the last, never held all at once.</summary>
internal sealed record GoRange(long First, long End);

/// <summary>A value with named fields, and methods perhaps.</summary>
internal abstract class GoObject
{
    /// <summary>Go's name of the type.</summary>
    public abstract string TypeName { get; }

    /// <summary>Its fields, in order.</summary>
    public abstract IReadOnlyList<KeyValuePair<string, object?>> Fields { get; }

    /// <summary>A method, or null.</summary>
    public virtual Functions.TemplateFunction? Method(string name) => null;

    /// <summary>A field's value.</summary>
    public bool TryField(string name, out object? value)
    {
        foreach (var (field, held) in Fields)
        {
            if (field == name)
            {
                value = held;
                return true;
            }
        }

        value = null;
        return false;
    }
}

/// <summary>What Go says about a value: its type's name, and whether it is true.</summary>
internal static class GoType
{
    public const string Any = "interface {}";
    public const string String = "string";

    /// <summary>As <c>%T</c> prints it.</summary>
    public static string Name(object? value) =>
        value switch
        {
            null => "<nil>",
            bool => "bool",
            long => "int",
            ulong => "uint64",
            double => "float64",
            string => String,
            JsonNumber => "json.Number",
            GoSlice slice => "[]" + slice.Element,
            GoMap map => "map[string]" + map.Element,
            GoRange => "<-chan int64",
            GoObject known => "*" + known.TypeName,
            _ => throw new InvalidOperationException($"{value.GetType()} is no value of templates."),
        };

    /// <summary>Not the zero value of its type, and not empty.</summary>
    public static bool IsTrue(object? value) =>
        value switch
        {
            null => false,
            bool truth => truth,
            long number => number != 0,
            ulong number => number != 0,
            double number => number != 0,
            string text => text.Length > 0,
            JsonNumber number => number.Text.Length > 0,
            GoSlice slice => slice.Items.Count > 0,
            GoMap map => map.Count > 0,
            _ => true,
        };
}
