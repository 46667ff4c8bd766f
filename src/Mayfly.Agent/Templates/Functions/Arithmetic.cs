using System.Globalization;
using Mayfly.Agent.Templates.Values;
using static Mayfly.Agent.Templates.Functions.Define;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>Numbers of any type: two integers make an integer, and all else a floating-point number.</summary>
internal static class Arithmetic
{
    /// <summary>An integer or floating-point number from a value that is one, or a number of a secret.</summary>
    public static object Number(object? value) =>
        value switch
        {
            long or double => value,
            ulong number => number <= long.MaxValue ? (object)(long)number : (double)number,
            JsonNumber number
                when long.TryParse(
                    number.Text,
                    NumberStyles.AllowLeadingSign,
                    CultureInfo.InvariantCulture,
                    out var whole
                ) => whole,
            JsonNumber number
                when double.TryParse(number.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var fraction) =>
                fraction,
            _ => throw new FunctionException($"a number is expected, and not a value of type {GoType.Name(value)}"),
        };

    public static double Float(object? value) => Number(value) is long whole ? whole : (double)Number(value);

    public static object Calculate(
        object? left,
        object? right,
        Func<long, long, long> whole,
        Func<double, double, double> fraction
    ) =>
        (Number(left), Number(right)) switch
        {
            (long first, long second) => (object)whole(first, second),
            _ => fraction(Float(left), Float(right)),
        };
}

/// <summary>Arithmetic. The piped value comes last, so <c>5 | subtract 2</c> is 3.</summary>
internal static class ArithmeticFunctions
{
    public static IEnumerable<TemplateFunction> All { get; } =
    [
        Calculation("add", (left, right) => unchecked(left + right), (left, right) => left + right),
        Calculation("subtract", (left, right) => unchecked(left - right), (left, right) => left - right),
        Calculation("multiply", (left, right) => unchecked(left * right), (left, right) => left * right),
        Calculation("divide", Divide, (left, right) => left / right),
        Calculation("modulo", Remainder, (left, right) => left % right),
        Calculation("minimum", Math.Min, Math.Min),
        Calculation("maximum", Math.Max, Math.Max),
    ];

    private static TemplateFunction Calculation(
        string name,
        Func<long, long, long> whole,
        Func<double, double, double> fraction
    ) => Function(name, [Kind.Any, Kind.Any], given => Arithmetic.Calculate(given[1], given[0], whole, fraction));

    private static long Divide(long left, long right) =>
        right == 0 ? throw new FunctionException("division by zero")
        : right == -1 ? unchecked(-left)
        : left / right;

    private static long Remainder(long left, long right) =>
        right == 0 ? throw new FunctionException("division by zero")
        : right == -1 ? 0
        : left % right;
}
