using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Language;

/// <summary>What is known at a place of a template: its variables, and how deep it is nested.</summary>
internal sealed class ParseScope(Source source)
{
    /// <summary>How deep actions and parentheses may nest.</summary>
    public const int MaxDepth = 200;

    private List<string> _variables = ["$"];
    private int _depth;

    /// <summary>How many there are, to go back to by <see cref="Forget"/>.</summary>
    public int Variables => _variables.Count;

    public void Declare(IEnumerable<string> variables) => _variables.AddRange(variables);

    /// <summary>Leaves the first <paramref name="variables"/> of them.</summary>
    public void Forget(int variables) => _variables.RemoveRange(variables, _variables.Count - variables);

    /// <exception cref="TemplateException">There is no such variable here.</exception>
    public void Require(string variable, int position)
    {
        if (!_variables.Contains(variable))
        {
            throw source.Fail(position, $"undefined variable {GoPrint.Quote(variable)}");
        }
    }

    /// <exception cref="TemplateException">It is nested too deeply.</exception>
    public void Enter(int position)
    {
        if (++_depth > MaxDepth)
        {
            throw source.Fail(position, $"nested deeper than {MaxDepth} levels");
        }
    }

    public void Leave() => _depth--;

    /// <summary>Parses the body of a template of its own, which knows none of the variables around it.</summary>
    public T Apart<T>(Func<T> parse)
    {
        var outer = _variables;
        _variables = ["$"];
        var parsed = parse();
        _variables = outer;
        return parsed;
    }
}
