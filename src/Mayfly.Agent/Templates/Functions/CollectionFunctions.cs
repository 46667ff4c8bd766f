using System.Globalization;
using Mayfly.Agent.Templates.Values;
using static Mayfly.Agent.Templates.Functions.Define;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>Functions over lists and maps.</summary>
internal static class CollectionFunctions
{
    public static IEnumerable<TemplateFunction> All { get; } =
    [
        Function("contains", [Kind.Any, Kind.Any], given => Holds(given[1], given[0])),
        Function("in", [Kind.Any, Kind.Any], given => Holds(given[0], given[1])),
        Function("containsAll", [Kind.Any, Kind.Any], given => Items(given[0]).All(item => Holds(given[1], item))),
        Function("containsAny", [Kind.Any, Kind.Any], given => Items(given[0]).Any(item => Holds(given[1], item))),
        Function("containsNone", [Kind.Any, Kind.Any], given => !Items(given[0]).Any(item => Holds(given[1], item))),
        Function("containsNotAll", [Kind.Any, Kind.Any], given => !Items(given[0]).All(item => Holds(given[1], item))),
        Variadic("loop", [Kind.Any], Kind.Any, Loop),
        Function("explodeMap", [Kind.Map], given => Explode((GoMap?)given[0] ?? [])),
        Variadic(
            "mergeMap",
            [Kind.Map, Kind.Map],
            Kind.Any,
            given => Merge((GoMap?)given[0], (GoMap?)given[1], isOverriding: false)
        ),
        Variadic(
            "mergeMapWithOverride",
            [Kind.Map, Kind.Map],
            Kind.Any,
            given => Merge((GoMap?)given[0], (GoMap?)given[1], isOverriding: true)
        ),
    ];

    /// <summary>A list holds an item, a map a value, a text a piece.</summary>
    public static bool Holds(object? whole, object? part) =>
        whole switch
        {
            null => false,
            GoSlice slice => slice.Items.Any(item => IsSame(item, part)),
            GoMap map => map.Values.Any(item => IsSame(item, part)),
            string text => part is string piece && text.Contains(piece, StringComparison.Ordinal),
            _ => throw new FunctionException($"cannot look into a value of type {GoType.Name(whole)}"),
        };

    /// <summary>Equal, where numbers are compared by what they are, and different types are just different.</summary>
    public static bool IsSame(object? left, object? right) =>
        (left, right) switch
        {
            (null, null) => true,
            (JsonNumber number, JsonNumber other) => number.Text == other.Text,
            (JsonNumber number, string text) => number.Text == text,
            (string text, JsonNumber number) => number.Text == text,
            (long or ulong or double, long or ulong or double) => Arithmetic.Float(left) == Arithmetic.Float(right),
            _ => left is not null && right is not null && left.GetType() == right.GetType() && Equals(left, right),
        };

    private static IReadOnlyList<object?> Items(object? list) =>
        list switch
        {
            null => [],
            GoSlice slice => slice.Items,
            GoMap map => [.. map.Values],
            _ => throw new FunctionException($"a list is expected, and not a value of type {GoType.Name(list)}"),
        };

    private static object Loop(object?[] given)
    {
        if (given.Length > 2)
        {
            throw new FunctionException($"wrong number of arguments, expected 1 or 2, but got {given.Length}");
        }

        var numbers = Array.ConvertAll(given, Number);
        return numbers.Length == 1 ? new GoRange(0, numbers[0]) : new GoRange(numbers[0], numbers[1]);
    }

    private static long Number(object? given) =>
        given switch
        {
            long number => number,
            ulong number => checked((long)Math.Min(number, long.MaxValue)),
            double number => (long)number,
            string
            or JsonNumber
                when long.TryParse(
                    GoPrint.Plain(given),
                    NumberStyles.AllowLeadingSign,
                    CultureInfo.InvariantCulture,
                    out var number
                ) => number,
            _ => throw new FunctionException($"cannot count to a value of type {GoType.Name(given)}"),
        };

    /// <summary>Keys with slashes become maps within maps.</summary>
    private static GoMap Explode(GoMap flat)
    {
        var root = new GoMap();
        foreach (var (key, value) in flat)
        {
            var parts = key.Split('/', StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length > GoPrint.MaxDepth)
            {
                throw new FunctionException("a key has too many parts");
            }

            var map = root;
            foreach (var part in parts.SkipLast(1))
            {
                if (!map.TryGetValue(part, out var inner) || inner is not GoMap)
                {
                    map[part] = inner = new GoMap();
                }

                map = (GoMap)inner;
            }

            if (parts.Length > 0 && !(map.TryGetValue(parts[^1], out var held) && held is GoMap))
            {
                map[parts[^1]] = value;
            }
        }

        return root;
    }

    private static GoMap Merge(GoMap? into, GoMap? from, bool isOverriding, int depth = 0)
    {
        if (depth > GoPrint.MaxDepth)
        {
            throw new FunctionException($"the maps are nested deeper than {GoPrint.MaxDepth} levels");
        }

        var merged = into?.Copy() ?? [];

        foreach (var (key, value) in from ?? [])
        {
            var isHeld = merged.TryGetValue(key, out var held);
            if (held is GoMap below && value is GoMap other)
            {
                merged[key] = Merge(below, other, isOverriding, depth + 1);
            }
            else if (!isHeld || !GoType.IsTrue(held) || (isOverriding && GoType.IsTrue(value)))
            {
                merged[key] = value;
            }
        }

        return merged;
    }
}
