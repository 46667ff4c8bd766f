namespace Mayfly.Agent.Processes;

/// <summary>What a program is started with.</summary>
/// <param name="Variables">Environment variables.</param>
/// <param name="Started">To be called when it has been.</param>
internal sealed record ProgramSecrets(IReadOnlyDictionary<string, string> Variables, Action Started);
