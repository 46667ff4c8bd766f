using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Mayfly.Tests.Client.Redaction;

/// <summary>A provider that keeps what it is given, as one that writes structured logs would.</summary>
[ProviderAlias("Capturing")]
internal sealed class CapturingProvider : ILoggerProvider, ISupportExternalScope
{
    private IExternalScopeProvider? _scopes;

    public ConcurrentQueue<Entry> Entries { get; } = [];

    public ILogger CreateLogger(string categoryName) => new Logger(this);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose() { }

    public sealed record Entry(
        string Message,
        IReadOnlyDictionary<string, object?> Fields,
        Exception? Exception,
        IReadOnlyList<object?> Scopes
    )
    {
        /// <summary>Everything in it that can be written.</summary>
        public string Text =>
            string.Join(
                "\n",
                new object?[] { Message, Exception }
                    .Concat(Fields.SelectMany(one => new[] { one.Key, one.Value }))
                    .Concat(Scopes)
                    .Concat(
                        Scopes
                            .OfType<IEnumerable<KeyValuePair<string, object?>>>()
                            .SelectMany(scope => scope.SelectMany(one => new[] { one.Key, one.Value }))
                    )
            );
    }

    private sealed class Logger(CapturingProvider owner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => owner._scopes?.Push(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            var scopes = new List<object?>();
            owner._scopes?.ForEachScope((scope, list) => list.Add(scope), scopes);
            var fields = state as IEnumerable<KeyValuePair<string, object?>> ?? [new("state", state)];
            owner.Entries.Enqueue(
                new Entry(formatter(state, exception), fields.ToDictionary(StringComparer.Ordinal), exception, scopes)
            );
        }
    }
}
