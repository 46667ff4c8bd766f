namespace Mayfly.Agent.Kubernetes;

/// <summary>One file that the agent renders.</summary>
/// <param name="Destination">Its path in the containers.</param>
/// <param name="Contents">The template; null when <paramref name="Source"/> names one.</param>
/// <param name="Source">A file with the template, in the agent's container.</param>
/// <param name="Mode">Its permissions in octal, as text.</param>
/// <param name="Command">What the agent runs after it changed.</param>
/// <param name="ErrorOnMissingKey">Whether a field that is not there fails the template.</param>
internal sealed record SecretFile(
    string Destination,
    string? Contents,
    string? Source,
    string Mode,
    string? Command,
    bool? ErrorOnMissingKey
);
