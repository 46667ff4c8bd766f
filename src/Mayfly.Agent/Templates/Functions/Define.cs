using Mayfly.Agent.Templates.Language;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>Short ways to write down functions.</summary>
internal static class Define
{
    public static TemplateFunction Function(string name, Kind[] parameters, Func<object?[], object?> body) =>
        new(name, parameters, null, (_, given) => body(given));

    public static TemplateFunction Function(string name, Kind[] parameters, Func<Execution, object?[], object?> body) =>
        new(name, parameters, null, body);

    public static TemplateFunction Variadic(string name, Kind[] parameters, Kind rest, Func<object?[], object?> body) =>
        new(name, parameters, rest, (_, given) => body(given));

    public static TemplateFunction Variadic(
        string name,
        Kind[] parameters,
        Kind rest,
        Func<Execution, object?[], object?> body
    ) => new(name, parameters, rest, body);

    /// <summary>From text to a value.</summary>
    public static TemplateFunction Text(string name, Func<string, object?> body) =>
        new(name, [Kind.String], null, (_, given) => body((string)given[0]!));

    /// <summary>From two texts to a value.</summary>
    public static TemplateFunction Text(string name, Func<string, string, object?> body) =>
        new(name, [Kind.String, Kind.String], null, (_, given) => body((string)given[0]!, (string)given[1]!));

    /// <summary>From any value to another.</summary>
    public static TemplateFunction Value(string name, Func<object?, object?> body) =>
        new(name, [Kind.Any], null, (_, given) => body(given[0]));
}
