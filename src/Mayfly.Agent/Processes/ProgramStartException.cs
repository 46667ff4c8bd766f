namespace Mayfly.Agent.Processes;

/// <summary>A program cannot be started.</summary>
/// <param name="message">Why.</param>
/// <param name="exitCode">What a shell ends with for that reason.</param>
/// <param name="cause">What the system said.</param>
internal sealed class ProgramStartException(string message, int exitCode, Exception? cause = null)
    : AgentException(message, cause)
{
    /// <summary>It is there, and cannot be executed.</summary>
    public const int CannotBeExecuted = 126;

    /// <summary>There is no such program.</summary>
    public const int IsNotFound = 127;

    /// <summary>126 or 127.</summary>
    public int ExitCode => exitCode;
}
