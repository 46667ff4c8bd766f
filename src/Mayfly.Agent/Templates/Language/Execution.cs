using System.Runtime.CompilerServices;
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

    private readonly ParsedTemplate _template;
    private readonly ExecutionSettings _settings;
    private readonly CancellationToken _cancellation;
    private readonly Dictionary<string, Asked> _used = new(StringComparer.Ordinal);
    private readonly List<Asked> _missing = [];
    private readonly Evaluator _evaluator;
    private BoundedText _output = new();
    private int _depth;
    private int _steps;

    private Execution(ParsedTemplate template, ExecutionSettings settings, CancellationToken cancellation)
    {
        _template = template;
        _settings = settings;
        _cancellation = cancellation;
        _evaluator = new Evaluator(this);
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

    /// <summary>The variables of the template that is being walked.</summary>
    public VariableStack Variables { get; private set; } = new(dollar: null);

    /// <summary>Where the walk is, for what goes wrong there.</summary>
    public int Here { get; set; }

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
            execution.Walk(null, template.Root);
        }
        catch (Exception failure) when (execution.IsIncomplete && failure is (TemplateException or FunctionException))
        {
            // What fails where data is missing may do well once it is there.
            execution._output = new BoundedText();
        }
        catch (FunctionException failure)
        {
            throw template.Source.Fail(execution.Here, failure.Message);
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
        _used.TryAdd(dependency.Key, new Asked(dependency, Here));
        if (_settings.Data.TryGet(dependency, out var value))
        {
            return value;
        }

        if (!_missing.Exists(use => use.Dependency.Key == dependency.Key))
        {
            _missing.Add(new Asked(dependency, Here));
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
                var value = _evaluator.Evaluate(dot, action.Pipeline);
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
                var given = template.Pipeline is { } pipeline ? _evaluator.Evaluate(dot, pipeline) : null;
                Here = template.Position;
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
        Here = node.Position;
        _output.Append(value is null ? "<no value>" : GoPrint.Text(value));
    }

    private Flow Branch(object? dot, BranchNode branch)
    {
        var scope = Variables.Count;
        var value = _evaluator.Evaluate(dot, branch.Pipeline);
        var isTrue = GoType.IsTrue(value);
        var flow = Walk(isTrue && branch.IsWith ? value : dot, isTrue ? branch.Body : branch.Else);
        Variables.Leave(scope);
        return flow;
    }

    private Flow Range(object? dot, RangeNode range)
    {
        var scope = Variables.Count;
        var value = _evaluator.Evaluate(dot, range.Pipeline);
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

        Variables.Leave(scope);
        return flow;
    }

    private Flow Turn(RangeNode range, object? key, object? item)
    {
        Step(range.Position);
        var mark = Variables.Count;
        var names = range.Pipeline.Variables;
        if (names.Count > 0)
        {
            // One variable is the element, two are the index and the element. Declared ones stand on top of the stack.
            _evaluator.Give(range.Pipeline, names[^1], item);
            if (names.Count > 1)
            {
                _evaluator.Give(range.Pipeline, names[0], key);
            }
        }

        var flow = Walk(item, range.Body);
        Variables.Leave(mark);
        return flow;
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
            throw Fail(Here, $"template {GoPrint.Quote(name)} not defined");
        }

        if (++_depth > MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Fail(Here, $"templates invoke each other more than {MaxDepth} levels deep");
        }

        var outer = Variables;
        Variables = new VariableStack(dot);
        Walk(dot, body);
        Variables = outer;
        _depth--;
    }

    /// <summary>Counts a step, and tells where it is taken.</summary>
    /// <exception cref="TemplateException">There were too many.</exception>
    public void Step(int position)
    {
        Here = position;
        if (++_steps > MaxSteps)
        {
            throw Fail(position, $"gave up after {MaxSteps} steps");
        }

        if (_steps % 256 == 0)
        {
            _cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The source of a node.</summary>
    public string Shown(Node node) => _template.Source.Excerpt(node.Position, node.End);

    /// <summary>What is wrong at a node.</summary>
    public TemplateException Fail(Node node, string problem) =>
        _template.Source.Fail(
            node.Position,
            $"executing {GoPrint.Quote(_template.Source.Name)} at <{Shown(node)}>: {problem}"
        );

    /// <summary>What is wrong at a place.</summary>
    public TemplateException Fail(int position, string problem) =>
        _template.Source.Fail(position, $"executing {GoPrint.Quote(_template.Source.Name)}: {problem}");

    /// <summary>A dependency, and where in the text it was asked for first.</summary>
    private sealed record Asked(Dependency Dependency, int Position);
}
