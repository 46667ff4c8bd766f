namespace Mayfly.Agent.Templates.Language;

/// <summary>A parsed template: what it renders, and the templates that it defines.</summary>
internal sealed record ParsedTemplate(
    Source Source,
    IReadOnlyList<Node> Root,
    IReadOnlyDictionary<string, IReadOnlyList<Node>> Definitions
);
