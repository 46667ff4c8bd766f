namespace Mayfly.Hcl;

/// <summary>Builds the tree from tokens, by recursive descent.</summary>
internal sealed class HclGrammar
{
    private readonly HclScanner _scanner;
    private HclToken _token;
    private HclError? _error;

    public HclGrammar(string text)
    {
        _scanner = new HclScanner(text);
        Advance();
    }

    public (HclBody? Body, HclError? Error) Parse()
    {
        var body = ParseBody(new HclPosition(1, 1), depth: 1, HclTokenKind.End);
        return _error is null ? (body, null) : (null, _error);
    }

    private void Advance()
    {
        _token = _scanner.Next();
        if (_token.Kind == HclTokenKind.Error)
        {
            Fail(_token.Position, _token.Text);
        }
    }

    /// <summary>Only the first failure counts: what follows is its consequence.</summary>
    private HclValue? Fail(HclPosition position, string message)
    {
        _error ??= new HclError(position, message);
        return null;
    }

    private HclValue? Expected(string what) => Fail(_token.Position, $"expected {what}, found {_token.Shown}");

    private HclBody? ParseBody(HclPosition position, int depth, HclTokenKind end)
    {
        if (depth > HclParser.MaxDepth)
        {
            Fail(position, $"nested deeper than {HclParser.MaxDepth} levels");
            return null;
        }

        var items = new List<HclItem>();
        while (_error is null && _token.Kind != end)
        {
            if (ParseItem(depth, end) is { } item)
            {
                items.Add(item);
            }
        }

        return _error is null ? new HclBody(items, position) : null;
    }

    private HclItem? ParseItem(int depth, HclTokenKind end)
    {
        if (_token.Kind is not (HclTokenKind.Identifier or HclTokenKind.String))
        {
            Expected(end == HclTokenKind.End ? "a name" : "a name or '}'");
            return null;
        }

        var key = _token;
        Advance();
        var labels = new List<string>();
        while (_error is null && _token.Kind is HclTokenKind.Identifier or HclTokenKind.String)
        {
            labels.Add(_token.Text);
            Advance();
        }

        if (_error is not null)
        {
            return null;
        }

        HclValue? value;
        if (_token.Kind == HclTokenKind.OpenBrace)
        {
            value = ParseObject(depth);
        }
        else if (_token.Kind == HclTokenKind.Assign && labels.Count == 0)
        {
            Advance();
            value = _error is null ? ParseValue(depth) : null;
        }
        else
        {
            value = Expected(
                labels.Count == 0 ? $"'=' or '{{' after {Shown(key)}" : $"'{{' after the label of {Shown(key)}"
            );
        }

        // Entries may be separated by commas, as in lists of objects.
        if (_error is null && _token.Kind == HclTokenKind.Comma)
        {
            Advance();
        }

        return value is null ? null : new HclItem(key.Text, labels, value, key.Position);
    }

    private static string Shown(HclToken key) => key.Text.Length <= 40 ? key.Text : key.Text[..40] + "…";

    private HclValue? ParseValue(int depth)
    {
        var token = _token;
        switch (token.Kind)
        {
            case HclTokenKind.String:
                Advance();
                return new HclString(token.Text, token.Position);
            case HclTokenKind.Number when HclNumbers.TryParse(token.Text, token.Position, out var number):
                Advance();
                return number;
            case HclTokenKind.Identifier when token.Text is "true" or "false":
                Advance();
                return new HclBool(token.Text == "true", token.Position);
            case HclTokenKind.Identifier:
                return Fail(token.Position, $"expected a value, found {token.Shown}; a string needs quotes");
            case HclTokenKind.OpenBrace:
                return ParseObject(depth);
            case HclTokenKind.OpenBracket:
                return ParseList(depth + 1);
            default:
                return Expected("a value");
        }
    }

    private HclObject? ParseObject(int depth)
    {
        var position = _token.Position;
        Advance();
        if (_error is not null || ParseBody(position, depth + 1, HclTokenKind.CloseBrace) is not { } body)
        {
            return null;
        }

        Advance();
        return new HclObject(body, position);
    }

    private HclValue? ParseList(int depth)
    {
        var position = _token.Position;
        if (depth > HclParser.MaxDepth)
        {
            return Fail(position, $"nested deeper than {HclParser.MaxDepth} levels");
        }

        var items = new List<HclValue>();
        Advance();
        while (_error is null && _token.Kind != HclTokenKind.CloseBracket)
        {
            if (ParseValue(depth) is not { } item)
            {
                return null;
            }

            items.Add(item);
            if (_error is null && _token.Kind == HclTokenKind.Comma)
            {
                Advance();
            }
            else if (_error is null && _token.Kind != HclTokenKind.CloseBracket)
            {
                return Expected("',' or ']' in the list");
            }
        }

        if (_error is not null)
        {
            return null;
        }

        Advance();
        return new HclList(items, position);
    }
}
