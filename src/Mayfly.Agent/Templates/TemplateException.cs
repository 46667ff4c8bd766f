namespace Mayfly.Agent.Templates;

/// <summary>
/// A template cannot be parsed or executed. The message names the template, the line and the column, and says what is wrong
/// without any value that the template was given.
/// </summary>
internal sealed class TemplateException(string template, int line, int column, string problem)
    : Exception($"template: {template}:{line}:{column}: {problem}")
{
    /// <summary>The template's name: its source file, or what stands for it.</summary>
    public string Template => template;

    /// <summary>From 1.</summary>
    public int Line => line;

    /// <summary>From 1.</summary>
    public int Column => column;

    /// <summary>What is wrong, without the place.</summary>
    public string Problem => problem;
}
