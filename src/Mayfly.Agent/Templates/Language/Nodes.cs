namespace Mayfly.Agent.Templates.Language;

/// <summary>A part of a parsed template, with where it stands in the source.</summary>
internal abstract record Node(int Position, int End);

/// <summary>Text that is copied.</summary>
internal sealed record TextNode(int Position, int End, string Text) : Node(Position, End);

/// <summary>A pipeline whose value is printed, or kept in a variable.</summary>
internal sealed record ActionNode(int Position, int End, PipelineNode Pipeline) : Node(Position, End);

/// <summary>if or with.</summary>
internal sealed record BranchNode(
    int Position,
    int End,
    bool IsWith,
    PipelineNode Pipeline,
    IReadOnlyList<Node> Body,
    IReadOnlyList<Node> Else
) : Node(Position, End);

internal sealed record RangeNode(
    int Position,
    int End,
    PipelineNode Pipeline,
    IReadOnlyList<Node> Body,
    IReadOnlyList<Node> Else
) : Node(Position, End);

/// <summary>The invocation of a defined template.</summary>
internal sealed record TemplateNode(int Position, int End, string Name, PipelineNode? Pipeline) : Node(Position, End);

internal sealed record BreakNode(int Position, int End) : Node(Position, End);

internal sealed record ContinueNode(int Position, int End) : Node(Position, End);

/// <summary>Commands, of which each gets the value of the one before; the last value may go to variables.</summary>
internal sealed record PipelineNode(
    int Position,
    int End,
    IReadOnlyList<string> Variables,
    bool IsAssignment,
    IReadOnlyList<CommandNode> Commands
) : Node(Position, End);

/// <summary>A value, or a function or method with its arguments.</summary>
internal sealed record CommandNode(int Position, int End, IReadOnlyList<Node> Arguments) : Node(Position, End);

internal sealed record DotNode(int Position, int End) : Node(Position, End);

internal sealed record NilNode(int Position, int End) : Node(Position, End);

internal sealed record BoolNode(int Position, int End, bool Value) : Node(Position, End);

/// <summary>A number of the source, in every type that it fits.</summary>
internal sealed record NumberNode(int Position, int End, long? Integer, ulong? Unsigned, double? Float, bool IsFloat)
    : Node(Position, End);

internal sealed record StringNode(int Position, int End, string Value) : Node(Position, End);

/// <summary>.A.B.C</summary>
internal sealed record FieldNode(int Position, int End, IReadOnlyList<string> Names) : Node(Position, End);

/// <summary>$x.A.B; the bare dollar is the data of the whole template.</summary>
internal sealed record VariableNode(int Position, int End, string Name, IReadOnlyList<string> Fields)
    : Node(Position, End);

/// <summary>(…).A.B</summary>
internal sealed record ChainNode(int Position, int End, Node Operand, IReadOnlyList<string> Fields)
    : Node(Position, End);

/// <summary>The name of a function.</summary>
internal sealed record IdentifierNode(int Position, int End, string Name) : Node(Position, End);
