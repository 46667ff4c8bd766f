using Mayfly.Agent.Templates;

namespace Mayfly.Tests.Agent.Templates;

/// <summary>Data of a template that a test has put together, by what it asks for.</summary>
internal sealed class MapData : ITemplateData
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    public object? this[Dependency dependency]
    {
        set => _values[dependency.Key] = value;
    }

    public bool TryGet(Dependency dependency, out object? value) => _values.TryGetValue(dependency.Key, out value);
}
