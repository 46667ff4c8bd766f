namespace Mayfly.Agent;

/// <summary>The agent cannot do what its configuration asks for. The message is for the operator, and holds no secret.</summary>
internal class AgentException(string message, Exception? inner = null) : Exception(message, inner);
