namespace Mayfly.Agent.Templates.Values;

/// <summary>
/// A function cannot do what it was asked. The executor adds where. The message tells no value: arguments may be secrets.
/// </summary>
internal sealed class FunctionException(string problem) : Exception(problem);
