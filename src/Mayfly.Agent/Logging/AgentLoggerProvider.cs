using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Mayfly.Client.Redaction;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Logging;

/// <summary>
/// Log lines as mayflyd has them: <c>2026-01-01T00:00:00.000Z [INFO]  sink: written: path=/run/token</c>, or one JSON object a
/// line. Line breaks in messages are escaped, so a line is always one entry. The level can be changed while the agent runs.
/// Reasons of failures come from where nobody knows that a path or a name was made of a secret, by a template for one; so the
/// values that the agent holds are taken out of them.
/// </summary>
internal sealed class AgentLoggerProvider(
    Action<byte[]> write,
    LogLevel level,
    bool json,
    TimeProvider time,
    Redactor? redactor = null
) : ILoggerProvider
{
    private static readonly JsonWriterOptions JsonOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly Lock _gate = new();
    private volatile int _level = (int)level;

    public LogLevel Level
    {
        get => (LogLevel)_level;
        set => _level = (int)value;
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose() { }

    private void Write(LogLevel severity, string category, string message, Exception? exception)
    {
        var now = time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var error = exception is null ? null : $"{exception.GetType().Name}: {exception.Message}";
        if (redactor is not null && severity >= LogLevel.Warning)
        {
            message = redactor.Redact(message);
            error = error is null ? null : redactor.Redact(error);
        }

        var line = json
            ? JsonLine(now, severity, category, message, error)
            : TextLine(now, severity, category, message, error);
        lock (_gate)
        {
            write(line);
        }
    }

    private static byte[] TextLine(string now, LogLevel severity, string category, string message, string? error)
    {
        var text = new StringBuilder(now)
            .Append(' ')
            .Append($"[{Name(severity)}]".PadRight(8))
            .Append(category)
            .Append(": ");
        AppendEscaped(text, message);
        if (error is not null)
        {
            AppendEscaped(text.Append(": error="), error);
        }

        return Encoding.UTF8.GetBytes(text.Append('\n').ToString());
    }

    private static byte[] JsonLine(string now, LogLevel severity, string category, string message, string? error)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, JsonOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("@timestamp"u8, now);
            writer.WriteString("@level"u8, Name(severity).ToLowerInvariant());
            writer.WriteString("@module"u8, category);
            writer.WriteString("@message"u8, message);
            if (error is not null)
            {
                writer.WriteString("error"u8, error);
            }

            writer.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    private static void AppendEscaped(StringBuilder text, string message)
    {
        foreach (var c in message)
        {
            // The server's refusals have several lines, and are to be read.
            if (c is '\n' or '\t')
            {
                text.Append(c == '\n' ? "\\n" : "\\t");
            }
            else if (char.IsControl(c))
            {
                text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            }
            else
            {
                text.Append(c);
            }
        }
    }

    private static string Name(LogLevel severity) =>
        severity switch
        {
            LogLevel.Trace => "TRACE",
            LogLevel.Debug => "DEBUG",
            LogLevel.Information => "INFO",
            LogLevel.Warning => "WARN",
            _ => "ERROR",
        };

    private sealed class Logger(AgentLoggerProvider owner, string category) : ILogger
    {
        // Kestrel's and the framework's own remarks are noise below warnings.
        private readonly bool _foreign = category.StartsWith("Microsoft.", StringComparison.Ordinal);

        // What Kestrel cannot read as HTTP it quotes there: a token in a header that is spelled wrong, for one.
        private readonly bool _quoting = category.EndsWith(".BadRequests", StringComparison.Ordinal);
        private readonly string _category = category.Split('.')[^1].ToLowerInvariant();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) =>
            logLevel >= owner.Level
            && logLevel != LogLevel.None
            && !_quoting
            && (!_foreign || logLevel >= LogLevel.Warning || owner.Level == LogLevel.Trace);

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
                owner.Write(logLevel, _category, formatter(state, exception), exception);
            }
        }
    }
}
