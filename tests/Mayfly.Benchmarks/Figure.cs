namespace Mayfly.Benchmarks;

/// <summary>One measured number.</summary>
/// <param name="Name">Dotted, so that scripts can pick it: <c>store.commits.64</c>.</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">What it counts.</param>
internal sealed record Figure(string Name, double Value, string Unit);
