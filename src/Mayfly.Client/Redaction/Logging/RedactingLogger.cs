using Microsoft.Extensions.Logging;

namespace Mayfly.Client.Redaction.Logging;

/// <summary>Takes secrets out of what is logged before any provider sees it.</summary>
internal sealed class RedactingLogger(ILogger inner, Redactor redactor) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull =>
        Scope(state, redactor) is { } clean && !ReferenceEquals(clean, state)
            ? inner.BeginScope(clean)
            : inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    )
    {
        if (!inner.IsEnabled(logLevel))
        {
            return;
        }

        var message = formatter(state, exception) ?? "";
        var failure = RedactedException.Of(exception, redactor);
        if (state is IEnumerable<KeyValuePair<string, object?>> fields)
        {
            if (LogFields.Of(fields, message, redactor) is { } clean)
            {
                inner.Log(logLevel, eventId, clean, failure, static (said, _) => said.ToString());
                return;
            }
        }
        else if (redactor.TryRedact(message, out var text) || RedactedValue.IsNeeded(state, redactor))
        {
            inner.Log(logLevel, eventId, text.Length > 0 ? text : message, failure, static (said, _) => said);
            return;
        }

        // The message is made once, here, for all providers.
        inner.Log(logLevel, eventId, state, failure, (_, _) => message);
    }

    /// <summary>The scope itself when it is free of secrets, else what stands for it.</summary>
    public static object? Scope(object? state, Redactor redactor) =>
        state is IEnumerable<KeyValuePair<string, object?>> fields
            ? LogFields.Of(fields, state.ToString() ?? "", redactor) ?? state
            : RedactedValue.Of(state, redactor);
}
