namespace Mayfly.Agent.Templates.Language;

/// <summary>The variables of a template while it is executed; those declared later stand before those of the same name.</summary>
/// <param name="dollar">The value of <c>$</c>.</param>
internal sealed class VariableStack(object? dollar)
{
    private readonly List<(string Name, object? Value)> _variables = [("$", dollar)];

    /// <summary>How many there are, to go back to by <see cref="Leave"/>.</summary>
    public int Count => _variables.Count;

    public void Add(string name, object? value) => _variables.Add((name, value));

    /// <summary>Leaves the first <paramref name="count"/> of them.</summary>
    public void Leave(int count) => _variables.RemoveRange(count, _variables.Count - count);

    /// <returns>Whether there is one of that name.</returns>
    public bool TryGet(string name, out object? value)
    {
        var index = Find(name);
        value = index < 0 ? null : _variables[index].Value;
        return index >= 0;
    }

    /// <returns>Whether there is one of that name.</returns>
    public bool TrySet(string name, object? value)
    {
        var index = Find(name);
        if (index >= 0)
        {
            _variables[index] = (name, value);
        }

        return index >= 0;
    }

    private int Find(string name)
    {
        var index = _variables.Count - 1;
        while (index >= 0 && _variables[index].Name != name)
        {
            index--;
        }

        return index;
    }
}
