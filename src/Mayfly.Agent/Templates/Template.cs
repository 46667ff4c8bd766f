using Mayfly.Agent.Templates.Functions;
using Mayfly.Agent.Templates.Language;

namespace Mayfly.Agent.Templates;

/// <summary>A template that has been parsed. Safe to execute from several threads at once.</summary>
internal sealed class Template
{
    private readonly ParsedTemplate _parsed;

    private Template(ParsedTemplate parsed) => _parsed = parsed;

    /// <summary>What errors call it.</summary>
    public string Name => _parsed.Source.Name;

    /// <summary>Parses <paramref name="text"/>.</summary>
    /// <param name="name">What errors call it.</param>
    /// <param name="text">Go's <c>text/template</c> language.</param>
    /// <param name="functions">The functions that it may name.</param>
    /// <param name="leftDelimiter">Begins an action; empty for the usual one.</param>
    /// <param name="rightDelimiter">Ends an action; empty for the usual one.</param>
    /// <exception cref="TemplateException">It is no template.</exception>
    public static Template Parse(
        string name,
        string text,
        FunctionTable functions,
        string leftDelimiter = "",
        string rightDelimiter = ""
    ) => new(Parser.Parse(name, text, functions.Contains, leftDelimiter, rightDelimiter));

    /// <summary>Executes it with the data that is there.</summary>
    /// <exception cref="TemplateException">It fails.</exception>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public TemplateResult Execute(ExecutionSettings settings, CancellationToken cancellation) =>
        Execution.Run(_parsed, settings, cancellation);
}
