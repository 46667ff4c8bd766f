using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>Go's comparison of values: of one basic type, where integers of both kinds count as one.</summary>
internal static class Comparison
{
    private enum Basic
    {
        None,
        Boolean,
        Integer,
        Float,
        Text,
    }

    /// <summary>The first equals any of the others.</summary>
    public static object IsAny(object?[] given)
    {
        if (given.Length < 2)
        {
            throw new FunctionException("missing argument for comparison");
        }

        foreach (var other in given.AsSpan(1))
        {
            if (AreEqual(given[0], other))
            {
                return true;
            }
        }

        return false;
    }

    public static bool AreEqual(object? left, object? right)
    {
        if (left is null || right is null)
        {
            return left is null && right is null;
        }

        var (first, second) = (Of(left), Of(right));
        if (first == Basic.None || second == Basic.None)
        {
            throw new FunctionException($"non-comparable type {GoType.Name(first == Basic.None ? left : right)}");
        }

        if (first != second)
        {
            throw new FunctionException("incompatible types for comparison");
        }

        return first switch
        {
            Basic.Boolean => (bool)left == (bool)right,
            Basic.Text => Text(left) == Text(right),
            Basic.Float => (double)left == (double)right,
            _ => CompareIntegers(left, right) == 0,
        };
    }

    public static int Compare(object? left, object? right)
    {
        var (first, second) = (Of(left), Of(right));
        if (first == Basic.None || second == Basic.None)
        {
            throw new FunctionException("invalid type for comparison");
        }

        if (first != second)
        {
            throw new FunctionException("incompatible types for comparison");
        }

        return first switch
        {
            Basic.Boolean => throw new FunctionException("invalid type for comparison"),
            Basic.Text => GoText.Encode(Text(left)).AsSpan().SequenceCompareTo(GoText.Encode(Text(right))),
            Basic.Float => ((double)left!).CompareTo((double)right!),
            _ => CompareIntegers(left!, right!),
        };
    }

    private static string Text(object? value) => value is JsonNumber number ? number.Text : (string)value!;

    private static int CompareIntegers(object left, object right) => Wide(left).CompareTo(Wide(right));

    private static Int128 Wide(object value) => value is long signed ? signed : (ulong)value;

    private static Basic Of(object? value) =>
        value switch
        {
            bool => Basic.Boolean,
            long or ulong => Basic.Integer,
            double => Basic.Float,
            string or JsonNumber => Basic.Text,
            _ => Basic.None,
        };
}
