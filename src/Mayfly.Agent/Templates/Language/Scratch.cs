using Mayfly.Agent.Templates.Functions;
using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Language;

/// <summary>Named values that a template keeps for itself while it is executed.</summary>
internal sealed class Scratch : GoObject
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    public override string TypeName => "template.Scratch";

    public override IReadOnlyList<KeyValuePair<string, object?>> Fields => [];

    public override TemplateFunction? Method(string name) =>
        name switch
        {
            "Key" => new("Key", [Kind.String], null, (_, given) => _values.ContainsKey((string)given[0]!)),
            "Get" => new("Get", [Kind.String], null, (_, given) => _values.GetValueOrDefault((string)given[0]!)),
            "Set" => new("Set", [Kind.String, Kind.Any], null, (_, given) => Set(given, isNew: false)),
            "SetX" => new("SetX", [Kind.String, Kind.Any], null, (_, given) => Set(given, isNew: true)),
            "MapSet" => new(
                "MapSet",
                [Kind.String, Kind.String, Kind.Any],
                null,
                (_, given) => MapSet(given, isNew: false)
            ),
            "MapSetX" => new(
                "MapSetX",
                [Kind.String, Kind.String, Kind.Any],
                null,
                (_, given) => MapSet(given, isNew: true)
            ),
            "MapValues" => new("MapValues", [Kind.String], null, (_, given) => MapValues((string)given[0]!)),
            _ => null,
        };

    private string Set(object?[] given, bool isNew)
    {
        var key = (string)given[0]!;
        if (!isNew || !_values.ContainsKey(key))
        {
            // What MapSet changes is this template's own, and not the secret that others read.
            _values[key] = given[1] is GoMap map ? map.Copy() : given[1];
        }

        return "";
    }

    private string MapSet(object?[] given, bool isNew)
    {
        var map = MapOf((string)given[0]!, create: true)!;
        var key = (string)given[1]!;
        if (!isNew || !map.ContainsKey(key))
        {
            map[key] = given[2];
        }

        return "";
    }

    private GoSlice? MapValues(string name) =>
        MapOf(name, create: false) is { } map ? new GoSlice([.. map.Values]) : null;

    private GoMap? MapOf(string name, bool create)
    {
        if (!_values.TryGetValue(name, out var held) || held is null)
        {
            if (!create)
            {
                return null;
            }

            _values[name] = held = new GoMap();
        }

        return held as GoMap ?? throw new FunctionException("what is kept under that name is not a map");
    }
}
