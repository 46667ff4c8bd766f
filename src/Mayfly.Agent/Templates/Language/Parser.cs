using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Language;

/// <summary>A parsed template: what it renders, and the templates that it defines.</summary>
internal sealed record ParsedTemplate(
    Source Source,
    IReadOnlyList<Node> Root,
    IReadOnlyDictionary<string, IReadOnlyList<Node>> Definitions
);

/// <summary>Makes the tree of a template. Functions are known by name alone; how they are called is seen when they are.</summary>
internal sealed class Parser
{
    /// <summary>How deep actions and parentheses may nest.</summary>
    public const int MaxDepth = 200;

    private static readonly string[] Enders = ["end", "else"];

    private readonly Source _source;
    private readonly List<Token> _tokens;
    private readonly Func<string, bool> _isFunction;
    private readonly Dictionary<string, IReadOnlyList<Node>> _definitions = new(StringComparer.Ordinal);
    private List<string> _variables = ["$"];
    private int _at;
    private int _depth;
    private int _ranges;

    private Parser(Source source, List<Token> tokens, Func<string, bool> isFunction)
    {
        _source = source;
        _tokens = tokens;
        _isFunction = isFunction;
    }

    /// <summary>Parses <paramref name="text"/>.</summary>
    /// <param name="name">What errors call it.</param>
    /// <param name="text">The template.</param>
    /// <param name="isFunction">Whether there is a function of a name.</param>
    /// <param name="left">Begins an action.</param>
    /// <param name="right">Ends an action.</param>
    /// <exception cref="TemplateException">It is no template, and here is why and where.</exception>
    public static ParsedTemplate Parse(
        string name,
        string text,
        Func<string, bool> isFunction,
        string left = "{{",
        string right = "}}"
    )
    {
        var source = new Source(name, text);
        var parser = new Parser(
            source,
            Lexer.Run(source, left.Length == 0 ? "{{" : left, right.Length == 0 ? "}}" : right),
            isFunction
        );
        var root = parser.TopLevel();
        return new ParsedTemplate(source, root, parser._definitions);
    }

    private List<Node> TopLevel()
    {
        var nodes = new List<Node>();
        while (Current.Kind != TokenKind.End)
        {
            if (Current.Kind == TokenKind.LeftDelimiter && PeekKeyword() == "define")
            {
                Define();
                continue;
            }

            var start = Current;
            if (TextOrAction() is { } node)
            {
                nodes.Add(node);
            }
            else
            {
                throw _source.Fail(start.Position, $"unexpected {{{{{PeekedEnder}}}}}");
            }
        }

        return nodes;
    }

    private string PeekedEnder { get; set; } = "";

    private void Define()
    {
        Next();
        SkipSpace();
        var keyword = Next();
        SkipSpace();
        var name = TemplateName("define clause");
        Expect(TokenKind.RightDelimiter, "define clause");
        var outer = _variables;
        _variables = ["$"];
        var (body, ender) = List("define", keyword.Position);
        _variables = outer;
        if (ender != "end")
        {
            throw _source.Fail(keyword.Position, "unexpected {{else}} in define clause");
        }

        Keep(name, body, keyword.Position);
    }

    /// <summary>An empty definition does not take the place of one that is there.</summary>
    private void Keep(string name, IReadOnlyList<Node> body, int position)
    {
        if (_definitions.TryGetValue(name, out var earlier) && !IsEmpty(earlier))
        {
            if (IsEmpty(body))
            {
                return;
            }

            throw _source.Fail(position, $"multiple definition of template {GoPrint.Quote(name)}");
        }

        _definitions[name] = body;
    }

    private static bool IsEmpty(IReadOnlyList<Node> body) =>
        body.All(node => node is TextNode text && string.IsNullOrWhiteSpace(text.Text));

    /// <summary>Null before {{end}} or {{else}}, whose keyword is then in <see cref="PeekedEnder"/>.</summary>
    private Node? TextOrAction()
    {
        if (Current.Kind == TokenKind.Text)
        {
            var text = Next();
            return new TextNode(text.Position, text.End, text.Text);
        }

        if (PeekKeyword() is { } keyword && Enders.Contains(keyword))
        {
            PeekedEnder = keyword;
            return null;
        }

        var left = Expect(TokenKind.LeftDelimiter, "input");
        SkipSpace();
        return Action(left);
    }

    private Node Action(Token left)
    {
        var first = Current;
        switch (first.Kind == TokenKind.Keyword ? first.Text : "")
        {
            case "if":
                return Branch(Next(), isWith: false);
            case "with":
                return Branch(Next(), isWith: true);
            case "range":
                return Range(Next());
            case "template":
                return Template(Next());
            case "block":
                return Block(Next());
            case "break":
            case "continue":
                return Jump(Next());
            case "define":
                throw _source.Fail(first.Position, "unexpected {{define}}: templates are defined at the top level");
            default:
                var pipeline = Pipeline("command", TokenKind.RightDelimiter);
                return new ActionNode(left.Position, pipeline.End, pipeline);
        }
    }

    private Node Jump(Token keyword)
    {
        SkipSpace();
        Expect(TokenKind.RightDelimiter, keyword.Text);
        if (_ranges == 0)
        {
            throw _source.Fail(keyword.Position, $"{{{{{keyword.Text}}}}} outside {{{{range}}}}");
        }

        return keyword.Text == "break"
            ? new BreakNode(keyword.Position, keyword.End)
            : new ContinueNode(keyword.Position, keyword.End);
    }

    private BranchNode Branch(Token keyword, bool isWith)
    {
        Enter(keyword.Position);
        var scope = _variables.Count;
        var pipeline = Pipeline(keyword.Text, TokenKind.RightDelimiter);
        var (body, ender) = List(keyword.Text, keyword.Position);
        IReadOnlyList<Node> otherwise = [];
        if (ender == "else")
        {
            // {{else if x}} is {{else}}{{if x}}…{{end}}, and the one {{end}} closes both; so with {{else with x}}.
            var chained = ElseKeyword(keyword.Text);
            if (chained is { } inner)
            {
                otherwise = [Branch(inner, isWith)];
            }
            else
            {
                (otherwise, ender) = List(keyword.Text, keyword.Position);
                NoSecondElse(ender, keyword.Position);
            }
        }

        _variables.RemoveRange(scope, _variables.Count - scope);
        _depth--;
        return new BranchNode(keyword.Position, pipeline.End, isWith, pipeline, body, otherwise);
    }

    /// <summary>After the keyword else: the keyword that goes on, or null when there is none and the action has ended.</summary>
    private Token? ElseKeyword(string keyword)
    {
        SkipSpace();
        if (Current.Is(keyword))
        {
            return Next();
        }

        Expect(TokenKind.RightDelimiter, "else");
        return null;
    }

    private RangeNode Range(Token keyword)
    {
        Enter(keyword.Position);
        var scope = _variables.Count;
        var pipeline = Pipeline("range", TokenKind.RightDelimiter);
        _ranges++;
        var (body, ender) = List("range", keyword.Position);
        _ranges--;
        IReadOnlyList<Node> otherwise = [];
        if (ender == "else")
        {
            SkipSpace();
            Expect(TokenKind.RightDelimiter, "else");
            (otherwise, ender) = List("range", keyword.Position);
            NoSecondElse(ender, keyword.Position);
        }

        _variables.RemoveRange(scope, _variables.Count - scope);
        _depth--;
        return new RangeNode(keyword.Position, pipeline.End, pipeline, body, otherwise);
    }

    private void NoSecondElse(string ender, int position)
    {
        if (ender == "else")
        {
            throw _source.Fail(position, "expected end; found {{else}}");
        }
    }

    private TemplateNode Template(Token keyword)
    {
        SkipSpace();
        var name = TemplateName("template clause");
        PipelineNode? pipeline = null;
        if (Current.Kind == TokenKind.RightDelimiter)
        {
            Next();
        }
        else
        {
            pipeline = Pipeline("template clause", TokenKind.RightDelimiter);
        }

        return new TemplateNode(keyword.Position, pipeline?.End ?? keyword.End, name, pipeline);
    }

    /// <summary>A block defines a template and invokes it in place.</summary>
    private TemplateNode Block(Token keyword)
    {
        Enter(keyword.Position);
        SkipSpace();
        var name = TemplateName("block clause");
        var pipeline = Pipeline("block clause", TokenKind.RightDelimiter);
        var outer = (_variables, _ranges);
        (_variables, _ranges) = (["$"], 0);
        var (body, ender) = List("block", keyword.Position);
        (_variables, _ranges) = outer;
        NoSecondElse(ender, keyword.Position);
        Keep(name, body, keyword.Position);
        _depth--;
        return new TemplateNode(keyword.Position, pipeline.End, name, pipeline);
    }

    private string TemplateName(string context)
    {
        var token = Next();
        if (token.Kind != TokenKind.String || Literal.Text(token.Text) is not { } name)
        {
            throw Unexpected(token, context);
        }

        SkipSpace();
        return name;
    }

    /// <summary>Nodes up to {{end}}, which is taken whole, or {{else, of which the rest of the action is left.</summary>
    private (List<Node> Nodes, string Ender) List(string clause, int opened)
    {
        var nodes = new List<Node>();
        while (Current.Kind != TokenKind.End)
        {
            if (TextOrAction() is { } node)
            {
                nodes.Add(node);
                continue;
            }

            Next();
            SkipSpace();
            var ender = Next();
            if (ender.Text == "end")
            {
                SkipSpace();
                Expect(TokenKind.RightDelimiter, "end");
            }

            return (nodes, ender.Text);
        }

        throw _source.Fail(
            _source.Text.Length,
            $"unexpected EOF: {{{{{clause}}}}} of line {_source.Line(opened)} has no {{{{end}}}}"
        );
    }

    private PipelineNode Pipeline(string context, TokenKind end)
    {
        SkipSpace();
        var start = Current;
        var declared = _variables.Count;
        var (variables, isAssignment) = Declarations(context);
        var commands = new List<CommandNode>();
        while (true)
        {
            SkipSpace();
            var token = Current;
            if (token.Kind == end)
            {
                Next();
                Check(commands, context, token);
                // What is declared here can be used from here on, and not in the pipeline itself.
                if (!isAssignment)
                {
                    _variables.AddRange(variables);
                }

                _ = declared;
                return new PipelineNode(start.Position, token.Position, variables, isAssignment, commands);
            }

            if (!IsOperandStart(token))
            {
                throw Unexpected(token, context);
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
        var begin = _at;
        while (Current.Kind == TokenKind.Variable)
        {
            var variable = Next();
            SkipSpace();
            var then = Current;
            if (then.Kind is TokenKind.Declare or TokenKind.Assign)
            {
                Next();
                variables.Add(variable.Text);
                if (then.Kind == TokenKind.Assign)
                {
                    variables.ForEach(name => Known(name, variable.Position));
                }

                return (variables, then.Kind == TokenKind.Assign);
            }

            if (then.Kind != TokenKind.Comma)
            {
                break;
            }

            Next();
            SkipSpace();
            variables.Add(variable.Text);
            if (context != "range" || variables.Count > 1)
            {
                throw _source.Fail(variable.Position, $"too many declarations in {context}");
            }

            if (Current.Kind != TokenKind.Variable)
            {
                throw _source.Fail(Current.Position, "range can only initialize variables");
            }
        }

        // It was a value after all.
        _at = begin;
        return ([], false);
    }

    private CommandNode Command()
    {
        var start = Current;
        var arguments = new List<Node>();
        while (true)
        {
            SkipSpace();
            if (Operand() is { } operand)
            {
                arguments.Add(operand);
            }

            var token = Current;
            if (token.Kind == TokenKind.Space)
            {
                Next();
                continue;
            }

            if (token.Kind is TokenKind.RightDelimiter or TokenKind.RightParenthesis)
            {
                break;
            }

            if (token.Kind == TokenKind.Pipe)
            {
                // Nothing has to follow: Go lets a pipe at the end pass.
                Next();
                break;
            }

            throw Unexpected(token, "operand");
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
        if (node is null || Current.Kind != TokenKind.Field)
        {
            return node;
        }

        var fields = new List<string>();
        var end = node.End;
        while (Current.Kind == TokenKind.Field)
        {
            end = Current.End;
            fields.Add(Next().Text[1..]);
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
        var token = Current;
        switch (token.Kind)
        {
            case TokenKind.Identifier:
                Next();
                return _isFunction(token.Text)
                    ? new IdentifierNode(token.Position, token.End, token.Text)
                    : throw _source.Fail(token.Position, $"function {GoPrint.Quote(token.Text)} not defined");
            case TokenKind.Dot:
                Next();
                return new DotNode(token.Position, token.End);
            case TokenKind.Keyword when token.Text is "true" or "false":
                Next();
                return new BoolNode(token.Position, token.End, token.Text == "true");
            case TokenKind.Keyword when token.Text == "nil":
                Next();
                return new NilNode(token.Position, token.End);
            case TokenKind.Field:
                Next();
                return new FieldNode(token.Position, token.End, [token.Text[1..]]);
            case TokenKind.Variable:
                Next();
                Known(token.Text, token.Position);
                return new VariableNode(token.Position, token.End, token.Text, []);
            case TokenKind.String:
                Next();
                return new StringNode(
                    token.Position,
                    token.End,
                    Literal.Text(token.Text) ?? throw _source.Fail(token.Position, "invalid escape in a string")
                );
            case TokenKind.Character:
                Next();
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
                Next();
                return Literal.Number(token) ?? throw _source.Fail(token.Position, "bad number syntax");
            case TokenKind.LeftParenthesis:
                Enter(token.Position);
                Next();
                var pipeline = Pipeline("parenthesized pipeline", TokenKind.RightParenthesis);
                _depth--;
                return pipeline with { Position = token.Position, End = pipeline.End + 1 };
            default:
                return null;
        }
    }

    private void Known(string variable, int position)
    {
        if (!_variables.Contains(variable))
        {
            throw _source.Fail(position, $"undefined variable {GoPrint.Quote(variable)}");
        }
    }

    private void Enter(int position)
    {
        if (++_depth > MaxDepth)
        {
            throw _source.Fail(position, $"nested deeper than {MaxDepth} levels");
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

    private Token Current => _tokens[_at];

    private Token Next()
    {
        var token = _tokens[_at];
        _at = Math.Min(_at + 1, _tokens.Count - 1);
        return token;
    }

    /// <summary>The keyword of the action that begins here, or null.</summary>
    private string? PeekKeyword()
    {
        if (Current.Kind != TokenKind.LeftDelimiter)
        {
            return null;
        }

        var ahead = _at + 1;
        while (_tokens[ahead].Kind == TokenKind.Space)
        {
            ahead++;
        }

        return _tokens[ahead].Kind == TokenKind.Keyword ? _tokens[ahead].Text : null;
    }

    private void SkipSpace()
    {
        while (Current.Kind == TokenKind.Space)
        {
            Next();
        }
    }

    private Token Expect(TokenKind kind, string context)
    {
        var token = Next();
        return token.Kind == kind ? token : throw Unexpected(token, context);
    }

    private TemplateException Unexpected(Token token, string context) =>
        _source.Fail(
            token.Position,
            token.Kind switch
            {
                TokenKind.End => $"unexpected EOF in {context}",
                TokenKind.Keyword => $"unexpected <{token.Text}> in {context}",
                TokenKind.RightDelimiter => $"unexpected end of the action in {context}",
                _ => $"unexpected {GoPrint.Quote(_source.Excerpt(token.Position, token.End))} in {context}",
            }
        );
}
