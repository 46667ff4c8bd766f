namespace Mayfly.Server.Startup;

/// <summary>The server cannot start; the message tells the operator why, and what to do.</summary>
internal sealed class StartupException(string message, Exception? inner = null) : Exception(message, inner);
