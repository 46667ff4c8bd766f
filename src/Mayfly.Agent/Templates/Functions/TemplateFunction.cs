using Mayfly.Agent.Templates.Language;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>What a function takes, in Go's types.</summary>
internal enum Kind
{
    Any,
    String,
    Integer,
    Boolean,
    List,
    Map,
}

/// <summary>
/// A function or method of templates. <paramref name="Rest"/> is the kind of any number of further arguments; null when there
/// are none. The body throws <see cref="Values.FunctionException"/> for what it cannot do.
/// </summary>
internal sealed record TemplateFunction(
    string Name,
    IReadOnlyList<Kind> Parameters,
    Kind? Rest,
    Func<Execution, object?[], object?> Body
)
{
    /// <summary>The kind of an argument by its place.</summary>
    public Kind KindOf(int index) => index < Parameters.Count ? Parameters[index] : Rest ?? Kind.Any;
}
