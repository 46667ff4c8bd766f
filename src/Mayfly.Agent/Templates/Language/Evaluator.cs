using System.Runtime.CompilerServices;
using Mayfly.Agent.Templates.Functions;
using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Language;

/// <summary>Works out the values of an execution: pipelines, their commands, and calls of functions and methods.</summary>
internal sealed class Evaluator(Execution execution)
{
    private static readonly object None = new();

    /// <summary>The value of a pipeline, which is given to the variables that it names, too.</summary>
    public object? Evaluate(object? dot, PipelineNode pipeline)
    {
        execution.Step(pipeline.Position);
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
                return Call(dot, execution.Settings.Functions[function.Name], command, command, final);
            case NilNode:
                throw execution.Fail(first, "nil is not a command");
        }

        if (command.Arguments.Count > 1 || final != None)
        {
            throw execution.Fail(first, $"can't give argument to non-function {execution.Shown(first)}");
        }

        return Value(dot, first);
    }

    /// <summary>Gives a value to a variable that a pipeline declares or assigns to.</summary>
    public void Give(PipelineNode pipeline, string name, object? value)
    {
        if (!pipeline.IsAssignment)
        {
            execution.Variables.Add(name, value);
        }
        else if (!execution.Variables.TrySet(name, value))
        {
            throw execution.Fail(execution.Here, $"undefined variable: {name}");
        }
    }

    /// <summary>The value of an operand without arguments.</summary>
    private object? Value(object? dot, Node node)
    {
        execution.Step(node.Position);
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
            IdentifierNode function => Call(dot, execution.Settings.Functions[function.Name], function, null, None),
            NilNode => null,
            _ => throw new InvalidOperationException($"{node.GetType()} is no operand."),
        };
    }

    private object? Parenthesized(object? dot, PipelineNode pipeline)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw execution.Fail(pipeline, "nested too deeply");
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

        return number.Integer ?? throw execution.Fail(number, "integer overflow: the constant does not fit int");
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
            case null when execution.Settings.ErrorOnMissingKey:
                throw execution.Fail(node, $"nil data; no entry for key {GoPrint.Quote(name)}");
            case null:
                return null;
            case GoObject known when known.Method(name) is { } method:
                return Call(dot, method, node, command, final);
            case GoObject known when known.TryField(name, out var held):
                return hasArguments
                    ? throw execution.Fail(node, $"{name} has arguments but cannot be invoked as function")
                    : held;
            case GoMap when hasArguments:
                throw execution.Fail(node, $"{name} is not a method but has arguments");
            case GoMap map when map.TryGetValue(name, out var entry):
                return entry;
            case GoMap when execution.Settings.ErrorOnMissingKey:
                throw execution.Fail(node, $"map has no entry for key {GoPrint.Quote(name)}");
            case GoMap:
                return null;
            default:
                throw execution.Fail(node, $"can't evaluate field {name} in type {GoType.Name(receiver)}");
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
            throw execution.Fail(node, $"wrong number of args for {function.Name}: want {atLeast}{wanted} got {count}");
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

        var here = execution.Here;
        execution.Here = node.Position;
        try
        {
            var result = function.Body(execution, arguments);
            execution.Here = here;
            return result;
        }
        catch (FunctionException failure)
        {
            throw execution.Fail(node, $"error calling {function.Name}: {failure.Message}");
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
                throw execution.Fail(node, $"cannot assign nil to {Name(kind)}");
            case NumberNode number when kind is Kind.Any:
                return Constant(number);
            case NumberNode number when kind is Kind.Integer:
                return number.Integer ?? throw execution.Fail(node, $"expected integer; found {execution.Shown(node)}");
            case BoolNode constant when kind is Kind.Any or Kind.Boolean:
                return constant.Value;
            case StringNode constant when kind is Kind.Any or Kind.String:
                return constant.Value;
            case NumberNode or BoolNode or StringNode when kind is Kind.List or Kind.Map:
                throw execution.Fail(node, $"can't handle {execution.Shown(node)} for arg of type {Name(kind)}");
            case NumberNode or BoolNode or StringNode:
                throw execution.Fail(node, $"expected {Name(kind)}; found {execution.Shown(node)}");
            default:
                return Checked(Value(dot, node), kind, node);
        }
    }

    private object? Checked(object? value, Kind kind, Node node) =>
        (kind, value) switch
        {
            (Kind.Any, _) => value,
            (Kind.List or Kind.Map, null) => null,
            (_, null) => throw execution.Fail(node, $"invalid value; expected {Name(kind)}"),
            (Kind.String, string) or (Kind.Integer, long) or (Kind.Boolean, bool) => value,
            (Kind.List, GoSlice) or (Kind.Map, GoMap) => value,
            // Go would not, but a number of a secret is text to its reader.
            (Kind.String, JsonNumber number) => number.Text,
            (Kind.Integer, JsonNumber number) when long.TryParse(number.Text, out var whole) => whole,
            _ => throw execution.Fail(node, $"wrong type for value; expected {Name(kind)}; got {GoType.Name(value)}"),
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

    private object? Lookup(string name) =>
        execution.Variables.TryGet(name, out var value)
            ? value
            : throw execution.Fail(execution.Here, $"undefined variable: {name}");
}
