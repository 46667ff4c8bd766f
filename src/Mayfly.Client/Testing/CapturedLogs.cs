using System.Collections;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Mayfly.Client.Testing;

/// <summary>Hands all that is logged to a check. Safe for concurrent use.</summary>
internal sealed class CapturedLogs(Action<string, string?> check) : ILoggerProvider, ISupportExternalScope
{
    private IExternalScopeProvider? _scopes;

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose() { }

    /// <summary>A value as a structured log could show it.</summary>
    public static string? Text(object? value) =>
        value switch
        {
            null or string => (string?)value,
            byte[] bytes => Encoding.Latin1.GetString(bytes),
            IEnumerable items => string.Join('\n', items.Cast<object?>().Select(Text)),
            KeyValuePair<string, object?> pair => $"{pair.Key}\n{Text(pair.Value)}",
            _ => value.ToString(),
        };

    private void Check(string place, string what, object? state)
    {
        if (state is IEnumerable<KeyValuePair<string, object?>> fields)
        {
            foreach (var (name, value) in fields)
            {
                check($"{place}: name of a field", name);
                check($"{place}: {what} {name}", Text(value));
            }
        }
        else
        {
            check($"{place}: {what}", Text(state));
        }
    }

    private sealed class Logger(CapturedLogs owner, string category) : ILogger
    {
        private readonly string _place = $"log {category}";

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
            owner.Check(_place, "message", formatter(state, exception));
            owner.Check(_place, "field", state);
            for (var inner = exception; inner is not null; inner = inner.InnerException)
            {
                owner.Check(_place, inner.GetType().Name, inner.ToString());
                owner.Check(_place, $"{inner.GetType().Name}.Data", inner.Data);
            }

            owner._scopes?.ForEachScope(
                static (scope, log) => log.owner.Check(log._place, "scope", scope),
                (owner, _place)
            );
        }
    }
}
