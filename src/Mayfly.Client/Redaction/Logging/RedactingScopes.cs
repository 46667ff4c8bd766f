using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mayfly.Client.Redaction.Logging;

/// <summary>Redacts scopes as providers read them: those of the program, and those that logging makes of activities.</summary>
internal sealed class RedactingScopes(IExternalScopeProvider inner, Redactor redactor) : IExternalScopeProvider
{
    public void ForEachScope<TState>(Action<object?, TState> callback, TState state) =>
        inner.ForEachScope(
            static (scope, reader) => reader.callback(RedactingLogger.Scope(scope, reader.redactor), reader.state),
            (callback, state, redactor)
        );

    public IDisposable Push(object? state) => inner.Push(state);
}

/// <summary>A provider that logs nothing, and learns where the scopes are.</summary>
internal sealed class ScopeProbe : ILoggerProvider, ISupportExternalScope
{
    /// <summary>The scopes; null when the factory knows none.</summary>
    public IExternalScopeProvider? Scopes { get; private set; }

    public ILogger CreateLogger(string categoryName) => NullLogger.Instance;

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => Scopes ??= scopeProvider;

    public void Dispose() { }
}
