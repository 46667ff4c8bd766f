using Microsoft.Extensions.Logging;

namespace Mayfly.Hosting.Logging;

/// <summary>
/// Log lines, one after the other: <c>2026-01-01T00:00:00.000Z [INFO]  core: unsealed: key=value</c>, or one JSON object a line.
/// Safe for concurrent use.
/// </summary>
/// <param name="write">Takes one whole line; is called by one thread at a time, and does not throw.</param>
/// <param name="settings">What is logged, and how; the level counts as it is at each entry.</param>
/// <param name="time">The clock.</param>
/// <param name="redact">
/// Takes values out of warnings and errors, or null for nothing: reasons of failures come from where nobody knows that a path or a
/// name was made of a secret.
/// </param>
internal sealed class LineLoggerProvider(
    Action<byte[]> write,
    LogSettings settings,
    TimeProvider time,
    Func<string, string>? redact = null
) : ILoggerProvider
{
    private readonly Lock _gate = new();

    private LogSettings Settings => settings;

    public ILogger CreateLogger(string categoryName) => new LineLogger(this, categoryName);

    public void Dispose() { }

    private void Write(LogLevel level, string part, string message, Exception? exception)
    {
        var error = exception is null ? null : $"{exception.GetType().Name}: {exception.Message}";
        if (redact is not null && level >= LogLevel.Warning)
        {
            message = redact(message);
            error = error is null ? null : redact(error);
        }

        var line = new LogLine(time.GetUtcNow(), level, part, message, error).ToBytes(settings.Format);
        lock (_gate)
        {
            write(line);
        }
    }

    private sealed class LineLogger(LineLoggerProvider owner, string category) : ILogger
    {
        // Kestrel's and the framework's own remarks are noise below warnings.
        private readonly bool _foreign = category.StartsWith("Microsoft.", StringComparison.Ordinal);

        // What Kestrel cannot read as HTTP it quotes there: a token in a header that is spelled wrong, for one.
        private readonly bool _quoting = category.EndsWith(".BadRequests", StringComparison.Ordinal);
        private readonly string _part = category.Split('.')[^1].ToLowerInvariant();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) =>
            logLevel >= owner.Settings.Level
            && logLevel != LogLevel.None
            && !_quoting
            && (!_foreign || logLevel >= LogLevel.Warning || owner.Settings.Level == LogLevel.Trace);

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (IsEnabled(logLevel))
            {
                owner.Write(logLevel, _part, formatter(state, exception), exception);
            }
        }
    }
}
