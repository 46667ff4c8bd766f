using System.IO.Enumeration;
using Mayfly.Agent.Templates.Language;
using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>The functions that a template may call, by name. Immutable.</summary>
internal sealed class FunctionTable
{
    // Not a frozen one, whose making costs an agent more at its start than its look-ups ever save.
    private readonly Dictionary<string, TemplateFunction> _functions;

    private FunctionTable(IEnumerable<TemplateFunction> functions) =>
        _functions = functions.ToDictionary(function => function.Name, StringComparer.Ordinal);

    /// <summary>All functions: Go's own, and those of consul-template.</summary>
    public static FunctionTable Default { get; } =
        new([
            .. Builtins.All,
            .. SecretFunctions.All,
            .. TextFunctions.All,
            .. EncodingFunctions.All,
            .. CollectionFunctions.All,
            .. ArithmeticFunctions.All,
            .. SystemFunctions.All,
            .. ConsulFunctions.All,
            .. SprigFunctions.All,
        ]);

    /// <summary>Every name, sorted.</summary>
    public IEnumerable<string> Names => _functions.Keys.Order(StringComparer.Ordinal);

    public bool Contains(string name) => _functions.ContainsKey(name);

    /// <summary>The function of a name that the parser has let pass.</summary>
    public TemplateFunction this[string name] => _functions[name];

    /// <summary>This table with others in it, which take the place of those of the same name.</summary>
    public FunctionTable With(IEnumerable<TemplateFunction> others)
    {
        var all = new Dictionary<string, TemplateFunction>(_functions, StringComparer.Ordinal);
        foreach (var other in others)
        {
            all[other.Name] = other;
        }

        return new FunctionTable(all.Values);
    }

    /// <summary>This table, in which the functions whose names match do nothing but fail.</summary>
    /// <param name="patterns">Names, in which <c>*</c> stands for any text.</param>
    public FunctionTable Without(IReadOnlyList<string> patterns) =>
        patterns.Count == 0
            ? this
            : new(
                _functions.Values.Select(function =>
                    patterns.Any(pattern => IsNamed(function, pattern)) ? Denied(function) : function
                )
            );

    private static TemplateFunction Denied(TemplateFunction function) =>
        new(function.Name, [], Kind.Any, static (_, _) => throw new FunctionException("function is disabled"));

    private static bool IsNamed(TemplateFunction function, string pattern) =>
        FileSystemName.MatchesSimpleExpression(pattern, function.Name, ignoreCase: false);
}
