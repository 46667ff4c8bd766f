using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Language;

/// <summary>Makes the tree of a template. Functions are known by name alone; how they are called is seen when they are.</summary>
internal sealed class Parser
{
    private static readonly string[] Enders = ["end", "else"];

    private readonly Source _source;
    private readonly TokenReader _tokens;
    private readonly ParseScope _scope;
    private readonly PipelineParser _pipelines;
    private readonly Dictionary<string, IReadOnlyList<Node>> _definitions = new(StringComparer.Ordinal);
    private string _peekedEnder = "";
    private int _ranges;

    private Parser(Source source, List<Token> tokens, Func<string, bool> isFunction)
    {
        _source = source;
        _tokens = new TokenReader(source, tokens);
        _scope = new ParseScope(source);
        _pipelines = new PipelineParser(source, _tokens, _scope, isFunction);
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
        while (_tokens.Current.Kind != TokenKind.End)
        {
            if (_tokens.Current.Kind == TokenKind.LeftDelimiter && _tokens.PeekKeyword() == "define")
            {
                Define();
                continue;
            }

            var start = _tokens.Current;
            if (TextOrAction() is { } node)
            {
                nodes.Add(node);
            }
            else
            {
                throw _source.Fail(start.Position, $"unexpected {{{{{_peekedEnder}}}}}");
            }
        }

        return nodes;
    }

    private void Define()
    {
        _tokens.Next();
        _tokens.SkipSpace();
        var keyword = _tokens.Next();
        _tokens.SkipSpace();
        var name = TemplateName("define clause");
        _tokens.Expect(TokenKind.RightDelimiter, "define clause");
        var (body, ender) = _scope.Apart(() => List("define", keyword.Position));
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

    /// <summary>Null before {{end}} or {{else}}, whose keyword is then in <see cref="_peekedEnder"/>.</summary>
    private Node? TextOrAction()
    {
        if (_tokens.Current.Kind == TokenKind.Text)
        {
            var text = _tokens.Next();
            return new TextNode(text.Position, text.End, text.Text);
        }

        if (_tokens.PeekKeyword() is { } keyword && Enders.Contains(keyword))
        {
            _peekedEnder = keyword;
            return null;
        }

        var left = _tokens.Expect(TokenKind.LeftDelimiter, "input");
        _tokens.SkipSpace();
        return Action(left);
    }

    private Node Action(Token left)
    {
        var first = _tokens.Current;
        switch (first.Kind == TokenKind.Keyword ? first.Text : "")
        {
            case "if":
                return Branch(_tokens.Next(), isWith: false);
            case "with":
                return Branch(_tokens.Next(), isWith: true);
            case "range":
                return Range(_tokens.Next());
            case "template":
                return Template(_tokens.Next());
            case "block":
                return Block(_tokens.Next());
            case "break":
            case "continue":
                return Jump(_tokens.Next());
            case "define":
                throw _source.Fail(first.Position, "unexpected {{define}}: templates are defined at the top level");
            default:
                var pipeline = _pipelines.Parse("command", TokenKind.RightDelimiter);
                return new ActionNode(left.Position, pipeline.End, pipeline);
        }
    }

    private Node Jump(Token keyword)
    {
        _tokens.SkipSpace();
        _tokens.Expect(TokenKind.RightDelimiter, keyword.Text);
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
        _scope.Enter(keyword.Position);
        var variables = _scope.Variables;
        var pipeline = _pipelines.Parse(keyword.Text, TokenKind.RightDelimiter);
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

        _scope.Forget(variables);
        _scope.Leave();
        return new BranchNode(keyword.Position, pipeline.End, isWith, pipeline, body, otherwise);
    }

    /// <summary>After the keyword else: the keyword that goes on, or null when there is none and the action has ended.</summary>
    private Token? ElseKeyword(string keyword)
    {
        _tokens.SkipSpace();
        if (_tokens.Current.Is(keyword))
        {
            return _tokens.Next();
        }

        _tokens.Expect(TokenKind.RightDelimiter, "else");
        return null;
    }

    private RangeNode Range(Token keyword)
    {
        _scope.Enter(keyword.Position);
        var variables = _scope.Variables;
        var pipeline = _pipelines.Parse("range", TokenKind.RightDelimiter);
        _ranges++;
        var (body, ender) = List("range", keyword.Position);
        _ranges--;
        IReadOnlyList<Node> otherwise = [];
        if (ender == "else")
        {
            _tokens.SkipSpace();
            _tokens.Expect(TokenKind.RightDelimiter, "else");
            (otherwise, ender) = List("range", keyword.Position);
            NoSecondElse(ender, keyword.Position);
        }

        _scope.Forget(variables);
        _scope.Leave();
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
        _tokens.SkipSpace();
        var name = TemplateName("template clause");
        PipelineNode? pipeline = null;
        if (_tokens.Current.Kind == TokenKind.RightDelimiter)
        {
            _tokens.Next();
        }
        else
        {
            pipeline = _pipelines.Parse("template clause", TokenKind.RightDelimiter);
        }

        return new TemplateNode(keyword.Position, pipeline?.End ?? keyword.End, name, pipeline);
    }

    /// <summary>A block defines a template and invokes it in place.</summary>
    private TemplateNode Block(Token keyword)
    {
        _scope.Enter(keyword.Position);
        _tokens.SkipSpace();
        var name = TemplateName("block clause");
        var pipeline = _pipelines.Parse("block clause", TokenKind.RightDelimiter);
        var ranges = _ranges;
        _ranges = 0;
        var (body, ender) = _scope.Apart(() => List("block", keyword.Position));
        _ranges = ranges;
        NoSecondElse(ender, keyword.Position);
        Keep(name, body, keyword.Position);
        _scope.Leave();
        return new TemplateNode(keyword.Position, pipeline.End, name, pipeline);
    }

    private string TemplateName(string context)
    {
        var token = _tokens.Next();
        if (token.Kind != TokenKind.String || Literal.Text(token.Text) is not { } name)
        {
            throw _tokens.Unexpected(token, context);
        }

        _tokens.SkipSpace();
        return name;
    }

    /// <summary>Nodes up to {{end}}, which is taken whole, or {{else, of which the rest of the action is left.</summary>
    private (List<Node> Nodes, string Ender) List(string clause, int opened)
    {
        var nodes = new List<Node>();
        while (_tokens.Current.Kind != TokenKind.End)
        {
            if (TextOrAction() is { } node)
            {
                nodes.Add(node);
                continue;
            }

            _tokens.Next();
            _tokens.SkipSpace();
            var ender = _tokens.Next();
            if (ender.Text == "end")
            {
                _tokens.SkipSpace();
                _tokens.Expect(TokenKind.RightDelimiter, "end");
            }

            return (nodes, ender.Text);
        }

        throw _source.Fail(
            _source.Text.Length,
            $"unexpected EOF: {{{{{clause}}}}} of line {_source.Line(opened)} has no {{{{end}}}}"
        );
    }
}
