using Microsoft.Extensions.Logging;

namespace Mayfly.Tests;

/// <summary>Keeps what is logged: the level, the message, and the exception if there is one. Safe for concurrent use.</summary>
internal sealed class LogLines : ILogger
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    )
    {
        lock (_lines)
        {
            _lines.Add($"{logLevel} {formatter(state, exception)} {exception}".TrimEnd());
        }
    }

    /// <summary>All of it.</summary>
    public override string ToString() => string.Concat(Lines.Select(line => line + "\n"));
}
