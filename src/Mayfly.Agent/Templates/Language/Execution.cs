using System.Runtime.CompilerServices;
using Mayfly.Agent.Templates.Functions;
using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Language;

/// <summary>
/// One execution of a template: a walk over its tree that writes output and asks for data. Data that is not there yet is
/// noted (<see cref="TemplateResult.Missing"/>), and the walk goes on with nothing in its place; the output counts only when nothing was missing.
/// </summary>
internal sealed class Execution
{
    /// <summary>How deep templates may invoke each other.</summary>
    private const int MaxDepth = 100;

    /// <summary>How many nodes and turns of loops may be walked. At several million per second, it is a few seconds.</summary>
    private const int MaxSteps = 20_000_000;

    private static readonly object None = new();

    private readonly ParsedTemplate _template;
    private readonly ExecutionSettings _settings;
    private readonly CancellationToken _cancellation;
    private readonly Dictionary<string, (Dependency Dependency, int Position)> _used = new(StringComparer.Ordinal);
    private readonly List<(Dependency Dependency, int Position)> _missing = [];
    private BoundedText _output = new();
    private List<(string Name, object? Value)> _variables = [];
    private int _depth;
    private int _steps;
    private int _here;

    private Execution(ParsedTemplate template, ExecutionSettings settings, CancellationToken cancellation)
    {
        _template = template;
        _settings = settings;
        _cancellation = cancellation;
    }

    /// <summary>What the template may know of the world.</summary>
    public ExecutionSettings Settings => _settings;

    /// <summary>Data of this execution alone, for the template's own use.</summary>
    public Scratch Scratch { get; } = new();

    /// <summary>Files that <c>writeToFile</c> wants written once the execution is known to be whole.</summary>
    public List<SideFile> Files { get; } = [];

    /// <summary>Something was asked for that is not there yet.</summary>
    public bool IsIncomplete => _missing.Count > 0;

    public CancellationToken Cancellation => _cancellation;

    /// <summary>Executes <paramref name="template"/>.</summary>
    /// <exception cref="TemplateException">It fails.</exception>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public static TemplateResult Run(
        ParsedTemplate template,
        ExecutionSettings settings,
        CancellationToken cancellation
    )
    {
        var execution = new Execution(template, settings, cancellation);
        try
        {
            execution._variables = [("$", null)];
            execution.Walk(null, template.Root);
        }
        catch (Exception failure) when (execution.IsIncomplete && failure is (TemplateException or FunctionException))
        {
            // What fails where data is missing may do well once it is there.
            execution._output = new BoundedText();
        }
        catch (FunctionException failure)
        {
            throw template.Source.Fail(execution._here, failure.Message);
        }

        return new TemplateResult(
            execution._output.ToString(),
            [.. execution._used.Values.Select(use => new Use(use.Dependency, template.Source.Line(use.Position)))],
            [.. execution._missing.Select(use => new Use(use.Dependency, template.Source.Line(use.Position)))],
            execution.Files
        );
    }

    /// <summary>The value of a dependency, or null when it is not there yet or does not exist.</summary>
    public object? Ask(Dependency dependency)
    {
        _used.TryAdd(dependency.Key, (dependency, _here));
        if (_settings.Data.TryGet(dependency, out var value))
        {
            return value;
        }

        if (!_missing.Exists(use => use.Dependency.Key == dependency.Key))
        {
            _missing.Add((dependency, _here));
        }

        return null;
    }

    /// <summary>The output of a defined template, for <c>executeTemplate</c>.</summary>
    public string Render(string name, object? dot)
    {
        var outer = _output;
        _output = new BoundedText();
        Invoke(name, dot);
        var text = _output.ToString();
        _output = outer;
        return text;
    }

    private enum Flow
    {
        On,
        Break,
        Continue,
    }

    private Flow Walk(object? dot, IReadOnlyList<Node> nodes)
    {
        foreach (var node in nodes)
        {
            if (Walk(dot, node) is var flow and not Flow.On)
            {
                return flow;
            }
        }

        return Flow.On;
    }

    private Flow Walk(object? dot, Node node)
    {
        Step(node.Position);
        switch (node)
        {
            case TextNode text:
                _output.Append(text.Text);
                return Flow.On;
            case ActionNode action:
                var value = Evaluate(dot, action.Pipeline);
                if (action.Pipeline.Variables.Count == 0)
                {
                    Print(action.Pipeline, value);
                }

                return Flow.On;
            case BranchNode branch:
                return Branch(dot, branch);
            case RangeNode range:
                return Range(dot, range);
            case TemplateNode template:
                var given = template.Pipeline is { } pipeline ? Evaluate(dot, pipeline) : null;
                _here = template.Position;
                Invoke(template.Name, given);
                return Flow.On;
            case BreakNode:
                return Flow.Break;
            case ContinueNode:
                return Flow.Continue;
            default:
                throw new InvalidOperationException($"{node.GetType()} is no statement.");
        }
    }

    private void Print(Node node, object? value)
    {
        _here = node.Position;
        _output.Append(value is null ? "<no value>" : GoPrint.Text(value));
    }

    private Flow Branch(object? dot, BranchNode branch)
    {
        var scope = _variables.Count;
        var value = Evaluate(dot, branch.Pipeline);
        var isTrue = GoType.IsTrue(value);
        var flow = Walk(isTrue && branch.IsWith ? value : dot, isTrue ? branch.Body : branch.Else);
        Leave(scope);
        return flow;
    }

    private Flow Range(object? dot, RangeNode range)
    {
        var scope = _variables.Count;
        var value = Evaluate(dot, range.Pipeline);
        var turns = 0;
        var flow = Flow.On;
        foreach (var (key, item) in Items(value, range.Pipeline))
        {
            turns++;
            flow = Turn(range, key, item);
            if (flow == Flow.Break)
            {
                break;
            }
        }

        flow = Flow.On;
        if (turns == 0)
        {
            flow = Walk(dot, range.Else);
        }

        Leave(scope);
        return flow;
    }

    private Flow Turn(RangeNode range, object? key, object? item)
    {
        Step(range.Position);
        var mark = _variables.Count;
        var names = range.Pipeline.Variables;
        if (names.Count > 0)
        {
            // One variable is the element, two are the index and the element. Declared ones stand on top of the stack.
            Give(range.Pipeline, names[^1], item);
            if (names.Count > 1)
            {
                Give(range.Pipeline, names[0], key);
            }
        }

        var flow = Walk(item, range.Body);
        Leave(mark);
        return flow;
    }

    private void Give(PipelineNode pipeline, string name, object? value)
    {
        if (pipeline.IsAssignment)
        {
            Assign(name, value);
        }
        else
        {
            _variables.Add((name, value));
        }
    }

    private IEnumerable<(object? Key, object? Item)> Items(object? value, Node node) =>
        value switch
        {
            null => [],
            GoSlice slice => slice.Items.Select((item, index) => ((object?)(long)index, item)),
            GoMap map => map.ToArray().Select(entry => ((object?)entry.Key, entry.Value)),
            GoRange range => Numbers(range.First, range.End),
            long count => Numbers(0, count),
            _ => throw Fail(node, $"range can't iterate over a value of type {GoType.Name(value)}"),
        };

    private static IEnumerable<(object? Key, object? Item)> Numbers(long first, long end)
    {
        for (var number = first; number < end; number++)
        {
            yield return (number - first, number);
        }
    }

    private void Invoke(string name, object? dot)
    {
        if (!_template.Definitions.TryGetValue(name, out var body))
        {
            throw Fail(_here, $"template {GoPrint.Quote(name)} not defined");
        }

        if (++_depth > MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Fail(_here, $"templates invoke each other more than {MaxDepth} levels deep");
        }

        var outer = _variables;
        _variables = [("$", dot)];
        Walk(dot, body);
        _variables = outer;
        _depth--;
    }

    private object? Evaluate(object? dot, PipelineNode pipeline)
    {
        Step(pipeline.Position);
        var value = None;
        foreach (var command in pipeline.Commands)
        {
            value = Evaluate(dot, command, value);
        }

        foreach (var name in pipeline.Variables)
        {
            Give(pipeline, name, value);
        }

        return value;
    }

    private object? Evaluate(object? dot, CommandNode command, object? final)
    {
        var first = command.Arguments[0];
        switch (first)
        {
            case FieldNode field:
                return Fields(dot, dot, field.Names, field, command, final);
            case ChainNode chain:
                return Fields(dot, Value(dot, chain.Operand), chain.Fields, chain, command, final);
            case VariableNode variable when variable.Fields.Count > 0:
                return Fields(dot, Lookup(variable.Name), variable.Fields, variable, command, final);
            case IdentifierNode function:
                return Call(dot, _settings.Functions[function.Name], command, command, final);
            case NilNode:
                throw Fail(first, "nil is not a command");
        }

        if (command.Arguments.Count > 1 || final != None)
        {
            throw Fail(
                first,
                $"can't give argument to non-function {_template.Source.Excerpt(first.Position, first.End)}"
            );
        }

        return Value(dot, first);
    }

    /// <summary>The value of an operand without arguments.</summary>
    private object? Value(object? dot, Node node)
    {
        Step(node.Position);
        return node switch
        {
            DotNode => dot,
            BoolNode constant => constant.Value,
            StringNode constant => constant.Value,
            NumberNode number => Constant(number),
            FieldNode field => Fields(dot, dot, field.Names, field, null, None),
            VariableNode variable => variable.Fields.Count == 0
                ? Lookup(variable.Name)
                : Fields(dot, Lookup(variable.Name), variable.Fields, variable, null, None),
            ChainNode chain => Fields(dot, Value(dot, chain.Operand), chain.Fields, chain, null, None),
            PipelineNode pipeline => Parenthesized(dot, pipeline),
            IdentifierNode function => Call(dot, _settings.Functions[function.Name], function, null, None),
            NilNode => null,
            _ => throw new InvalidOperationException($"{node.GetType()} is no operand."),
        };
    }

    private object? Parenthesized(object? dot, PipelineNode pipeline)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Fail(pipeline, "nested too deeply");
        }

        return Evaluate(dot, pipeline);
    }

    private object Constant(NumberNode number)
    {
        // Not in one conditional expression: it would make a floating-point number of both.
        if (number.IsFloat)
        {
            return number.Float!.Value;
        }

        return number.Integer ?? throw Fail(number, "integer overflow: the constant does not fit int");
    }

    /// <summary>Follows names from a value; the last may be a method that takes the command's arguments.</summary>
    private object? Fields(
        object? dot,
        object? receiver,
        IReadOnlyList<string> names,
        Node node,
        CommandNode? command,
        object? final
    )
    {
        for (var index = 0; index < names.Count - 1; index++)
        {
            receiver = Field(dot, receiver, names[index], node, null, None);
        }

        return Field(dot, receiver, names[^1], node, command, final);
    }

    private object? Field(object? dot, object? receiver, string name, Node node, CommandNode? command, object? final)
    {
        var hasArguments = command is { Arguments.Count: > 1 } || final != None;
        switch (receiver)
        {
            case null when _settings.ErrorOnMissingKey:
                throw Fail(node, $"nil data; no entry for key {GoPrint.Quote(name)}");
            case null:
                return null;
            case GoObject known when known.Method(name) is { } method:
                return Call(dot, method, node, command, final);
            case GoObject known when known.TryField(name, out var held):
                return hasArguments
                    ? throw Fail(node, $"{name} has arguments but cannot be invoked as function")
                    : held;
            case GoMap when hasArguments:
                throw Fail(node, $"{name} is not a method but has arguments");
            case GoMap map when map.TryGetValue(name, out var entry):
                return entry;
            case GoMap when _settings.ErrorOnMissingKey:
                throw Fail(node, $"map has no entry for key {GoPrint.Quote(name)}");
            case GoMap:
                return null;
            default:
                throw Fail(node, $"can't evaluate field {name} in type {GoType.Name(receiver)}");
        }
    }

    /// <summary>Calls a function. <paramref name="command"/> holds the arguments, after the function itself.</summary>
    private object? Call(object? dot, TemplateFunction function, Node node, CommandNode? command, object? final)
    {
        var given = (command?.Arguments.Count ?? 1) - 1;
        var count = given + (final == None ? 0 : 1);
        var wanted = function.Parameters.Count;
        if (count < wanted || (function.Rest is null && count > wanted))
        {
            var atLeast = function.Rest is null ? "" : "at least ";
            throw Fail(node, $"wrong number of args for {function.Name}: want {atLeast}{wanted} got {count}");
        }

        if (function.Name is "and" or "or")
        {
            return ShortCircuit(dot, function.Name == "or", command, final);
        }

        var arguments = new object?[count];
        for (var index = 0; index < given; index++)
        {
            arguments[index] = Argument(dot, command!.Arguments[index + 1], function.KindOf(index));
        }

        if (final != None)
        {
            arguments[^1] = Checked(final, function.KindOf(count - 1), node);
        }

        var here = _here;
        _here = node.Position;
        try
        {
            var result = function.Body(this, arguments);
            _here = here;
            return result;
        }
        catch (FunctionException failure)
        {
            throw Fail(node, $"error calling {function.Name}: {failure.Message}");
        }
    }

    /// <summary>The first argument that decides, and those after it are not evaluated.</summary>
    private object? ShortCircuit(object? dot, bool decides, CommandNode? command, object? final)
    {
        object? value = null;
        for (var index = 1; command is not null && index < command.Arguments.Count; index++)
        {
            value = Argument(dot, command.Arguments[index], Kind.Any);
            if (GoType.IsTrue(value) == decides)
            {
                return value;
            }
        }

        return final == None ? value : final;
    }

    private object? Argument(object? dot, Node node, Kind kind)
    {
        switch (node)
        {
            case NilNode when kind is Kind.Any or Kind.List or Kind.Map:
                return null;
            case NilNode:
                throw Fail(node, $"cannot assign nil to {Name(kind)}");
            case NumberNode number when kind is Kind.Any:
                return Constant(number);
            case NumberNode number when kind is Kind.Integer:
                return number.Integer ?? throw Fail(node, $"expected integer; found {Shown(node)}");
            case BoolNode constant when kind is Kind.Any or Kind.Boolean:
                return constant.Value;
            case StringNode constant when kind is Kind.Any or Kind.String:
                return constant.Value;
            case NumberNode or BoolNode or StringNode when kind is Kind.List or Kind.Map:
                throw Fail(node, $"can't handle {Shown(node)} for arg of type {Name(kind)}");
            case NumberNode or BoolNode or StringNode:
                throw Fail(node, $"expected {Name(kind)}; found {Shown(node)}");
            default:
                return Checked(Value(dot, node), kind, node);
        }
    }

    private object? Checked(object? value, Kind kind, Node node) =>
        (kind, value) switch
        {
            (Kind.Any, _) => value,
            (Kind.List or Kind.Map, null) => null,
            (_, null) => throw Fail(node, $"invalid value; expected {Name(kind)}"),
            (Kind.String, string) or (Kind.Integer, long) or (Kind.Boolean, bool) => value,
            (Kind.List, GoSlice) or (Kind.Map, GoMap) => value,
            // Go would not, but a number of a secret is text to its reader.
            (Kind.String, JsonNumber number) => number.Text,
            (Kind.Integer, JsonNumber number) when long.TryParse(number.Text, out var whole) => whole,
            _ => throw Fail(node, $"wrong type for value; expected {Name(kind)}; got {GoType.Name(value)}"),
        };

    private static string Name(Kind kind) =>
        kind switch
        {
            Kind.String => "string",
            Kind.Integer => "integer",
            Kind.Boolean => "bool",
            Kind.List => "[]interface {}",
            Kind.Map => "map[string]interface {}",
            _ => GoType.Any,
        };

    private object? Lookup(string name)
    {
        for (var index = _variables.Count - 1; index >= 0; index--)
        {
            if (_variables[index].Name == name)
            {
                return _variables[index].Value;
            }
        }

        throw Fail(_here, $"undefined variable: {name}");
    }

    private void Assign(string name, object? value)
    {
        for (var index = _variables.Count - 1; index >= 0; index--)
        {
            if (_variables[index].Name == name)
            {
                _variables[index] = (name, value);
                return;
            }
        }

        throw Fail(_here, $"undefined variable: {name}");
    }

    private void Leave(int scope) => _variables.RemoveRange(scope, _variables.Count - scope);

    private void Step(int position)
    {
        _here = position;
        if (++_steps > MaxSteps)
        {
            throw Fail(position, $"gave up after {MaxSteps} steps");
        }

        if (_steps % 256 == 0)
        {
            _cancellation.ThrowIfCancellationRequested();
        }
    }

    private string Shown(Node node) => _template.Source.Excerpt(node.Position, node.End);

    private TemplateException Fail(Node node, string problem) =>
        _template.Source.Fail(
            node.Position,
            $"executing {GoPrint.Quote(_template.Source.Name)} at <{Shown(node)}>: {problem}"
        );

    private TemplateException Fail(int position, string problem) =>
        _template.Source.Fail(position, $"executing {GoPrint.Quote(_template.Source.Name)}: {problem}");
}
