using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Language;

/// <summary>Makes the tree of what stands in an action: pipelines of commands, their operands, and the variables they declare.</summary>
internal sealed class PipelineParser
{
    private readonly Source _source;
    private readonly TokenReader _tokens;
    private readonly ParseScope _scope;
    private readonly Func<string, bool> _isFunction;

    public PipelineParser(Source source, TokenReader tokens, ParseScope scope, Func<string, bool> isFunction)
    {
        _source = source;
        _tokens = tokens;
        _scope = scope;
        _isFunction = isFunction;
    }

    /// <summary>Parses a pipeline, with what ends it.</summary>
    /// <param name="context">What errors call the place.</param>
    /// <param name="end">What ends it.</param>
    /// <exception cref="TemplateException">It is none.</exception>
    public PipelineNode Parse(string context, TokenKind end)
    {
        _tokens.SkipSpace();
        var start = _tokens.Current;
        var (variables, isAssignment) = Declarations(context);
        var commands = new List<CommandNode>();
        while (true)
        {
            _tokens.SkipSpace();
            var token = _tokens.Current;
            if (token.Kind == end)
            {
                _tokens.Next();
                Check(commands, context, token);
                // What is declared here can be used from here on, and not in the pipeline itself.
                if (!isAssignment)
                {
                    _scope.Declare(variables);
                }

                return new PipelineNode(start.Position, token.Position, variables, isAssignment, commands);
            }

            if (!IsOperandStart(token))
            {
                throw _tokens.Unexpected(token, context);
            }

            commands.Add(Command());
        }
    }

    private void Check(List<CommandNode> commands, string context, Token end)
    {
        if (commands.Count == 0)
        {
            throw _source.Fail(end.Position, $"missing value for {context}");
        }

        for (var stage = 1; stage < commands.Count; stage++)
        {
            if (commands[stage].Arguments[0] is BoolNode or DotNode or NilNode or NumberNode or StringNode)
            {
                throw _source.Fail(commands[stage].Position, $"non executable command in pipeline stage {stage + 1}");
            }
        }
    }

    /// <summary>$x :=, $x =, and in a range $i, $e := too.</summary>
    private (List<string> Variables, bool IsAssignment) Declarations(string context)
    {
        var variables = new List<string>();
        var begin = _tokens.Place;
        while (_tokens.Current.Kind == TokenKind.Variable)
        {
            var variable = _tokens.Next();
            _tokens.SkipSpace();
            var then = _tokens.Current;
            if (then.Kind is TokenKind.Declare or TokenKind.Assign)
            {
                _tokens.Next();
                variables.Add(variable.Text);
                if (then.Kind == TokenKind.Assign)
                {
                    variables.ForEach(name => _scope.Require(name, variable.Position));
                }

                return (variables, then.Kind == TokenKind.Assign);
            }

            if (then.Kind != TokenKind.Comma)
            {
                break;
            }

            _tokens.Next();
            _tokens.SkipSpace();
            variables.Add(variable.Text);
            if (context != "range" || variables.Count > 1)
            {
                throw _source.Fail(variable.Position, $"too many declarations in {context}");
            }

            if (_tokens.Current.Kind != TokenKind.Variable)
            {
                throw _source.Fail(_tokens.Current.Position, "range can only initialize variables");
            }
        }

        // It was a value after all.
        _tokens.GoBack(begin);
        return ([], false);
    }

    private CommandNode Command()
    {
        var start = _tokens.Current;
        var arguments = new List<Node>();
        while (true)
        {
            _tokens.SkipSpace();
            if (Operand() is { } operand)
            {
                arguments.Add(operand);
            }

            var token = _tokens.Current;
            if (token.Kind == TokenKind.Space)
            {
                _tokens.Next();
                continue;
            }

            if (token.Kind is TokenKind.RightDelimiter or TokenKind.RightParenthesis)
            {
                break;
            }

            if (token.Kind == TokenKind.Pipe)
            {
                // Nothing has to follow: Go lets a pipe at the end pass.
                _tokens.Next();
                break;
            }

            throw _tokens.Unexpected(token, "operand");
        }

        if (arguments.Count == 0)
        {
            throw _source.Fail(start.Position, "empty command");
        }

        return new CommandNode(start.Position, arguments[^1].End, arguments);
    }

    private Node? Operand()
    {
        var node = Term();
        if (node is null || _tokens.Current.Kind != TokenKind.Field)
        {
            return node;
        }

        var fields = new List<string>();
        var end = node.End;
        while (_tokens.Current.Kind == TokenKind.Field)
        {
            end = _tokens.Current.End;
            fields.Add(_tokens.Next().Text[1..]);
        }

        return node switch
        {
            FieldNode field => field with { End = end, Names = [.. field.Names, .. fields] },
            VariableNode variable => variable with { End = end, Fields = [.. variable.Fields, .. fields] },
            BoolNode or StringNode or NumberNode or NilNode or DotNode => throw _source.Fail(
                end,
                $"unexpected . after term {_source.Excerpt(node.Position, node.End)}"
            ),
            _ => new ChainNode(node.Position, end, node, fields),
        };
    }

    private Node? Term()
    {
        var token = _tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Identifier:
                _tokens.Next();
                return _isFunction(token.Text)
                    ? new IdentifierNode(token.Position, token.End, token.Text)
                    : throw _source.Fail(token.Position, $"function {GoPrint.Quote(token.Text)} not defined");
            case TokenKind.Dot:
                _tokens.Next();
                return new DotNode(token.Position, token.End);
            case TokenKind.Keyword when token.Text is "true" or "false":
                _tokens.Next();
                return new BoolNode(token.Position, token.End, token.Text == "true");
            case TokenKind.Keyword when token.Text == "nil":
                _tokens.Next();
                return new NilNode(token.Position, token.End);
            case TokenKind.Field:
                _tokens.Next();
                return new FieldNode(token.Position, token.End, [token.Text[1..]]);
            case TokenKind.Variable:
                _tokens.Next();
                _scope.Require(token.Text, token.Position);
                return new VariableNode(token.Position, token.End, token.Text, []);
            case TokenKind.String:
                _tokens.Next();
                return new StringNode(
                    token.Position,
                    token.End,
                    Literal.Text(token.Text) ?? throw _source.Fail(token.Position, "invalid escape in a string")
                );
            case TokenKind.Character:
                _tokens.Next();
                var character =
                    Literal.Character(token.Text) ?? throw _source.Fail(token.Position, "malformed character constant");
                return new NumberNode(
                    token.Position,
                    token.End,
                    character,
                    (ulong)character,
                    character,
                    IsFloat: false
                );
            case TokenKind.Number:
                _tokens.Next();
                return Literal.Number(token) ?? throw _source.Fail(token.Position, "bad number syntax");
            case TokenKind.LeftParenthesis:
                _scope.Enter(token.Position);
                _tokens.Next();
                var pipeline = Parse("parenthesized pipeline", TokenKind.RightParenthesis);
                _scope.Leave();
                return pipeline with { Position = token.Position, End = pipeline.End + 1 };
            default:
                return null;
        }
    }

    private static bool IsOperandStart(Token token) =>
        token.Kind
            is TokenKind.Identifier
                or TokenKind.Dot
                or TokenKind.Field
                or TokenKind.Variable
                or TokenKind.String
                or TokenKind.Character
                or TokenKind.Number
                or TokenKind.LeftParenthesis
        || token.Is("true")
        || token.Is("false")
        || token.Is("nil");
}
