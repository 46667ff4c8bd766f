using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Mayfly.Server.Logging;

/// <summary>
/// Log lines on a stream, standard error outside tests: <c>2026-01-01T00:00:00.000Z [INFO]  core: unsealed: key=value</c>,
/// or one JSON object a line. Line breaks in messages are escaped, so a line is always one entry.
/// </summary>
internal sealed class StreamLoggerProvider(Stream stream, LogSettings settings, TimeProvider time) : ILoggerProvider
{
    private static readonly JsonWriterOptions JsonOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly Lock _gate = new();

    public ILogger CreateLogger(string categoryName) => new StreamLogger(this, categoryName);

    public void Dispose() { }

    private void Write(LogLevel level, string category, string message, Exception? exception)
    {
        var now = time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var line =
            settings.Format == LogFormat.Json
                ? JsonLine(now, level, category, message, exception)
                : TextLine(now, level, category, message, exception);
        lock (_gate)
        {
            try
            {
                stream.Write(line);
                stream.Flush();
            }
            catch (IOException)
            {
                // Nobody reads the log any more; the server goes on.
            }
        }
    }

    private static byte[] TextLine(string now, LogLevel level, string category, string message, Exception? exception)
    {
        var text = new StringBuilder(now)
            .Append(' ')
            .Append($"[{Name(level)}]".PadRight(8))
            .Append(category)
            .Append(": ");
        AppendEscaped(text, message);
        if (exception is not null)
        {
            AppendEscaped(text.Append(": error="), $"{exception.GetType().Name}: {exception.Message}");
        }

        return Encoding.UTF8.GetBytes(text.Append('\n').ToString());
    }

    private static byte[] JsonLine(string now, LogLevel level, string category, string message, Exception? exception)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, JsonOptions))
        {
            json.WriteStartObject();
            json.WriteString("@timestamp"u8, now);
            json.WriteString("@level"u8, Name(level).ToLowerInvariant());
            json.WriteString("@module"u8, category);
            json.WriteString("@message"u8, message);
            if (exception is not null)
            {
                json.WriteString("error"u8, $"{exception.GetType().Name}: {exception.Message}");
            }

            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    private static void AppendEscaped(StringBuilder text, string message)
    {
        foreach (var c in message)
        {
            if (char.IsControl(c))
            {
                text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            }
            else
            {
                text.Append(c);
            }
        }
    }

    private static string Name(LogLevel level) =>
        level switch
        {
            LogLevel.Trace => "TRACE",
            LogLevel.Debug => "DEBUG",
            LogLevel.Information => "INFO",
            LogLevel.Warning => "WARN",
            _ => "ERROR",
        };

    private sealed class StreamLogger(StreamLoggerProvider owner, string category) : ILogger
    {
        // Kestrel's and the framework's own remarks are noise below warnings.
        private readonly bool _foreign = category.StartsWith("Microsoft.", StringComparison.Ordinal);

        // What Kestrel cannot read as HTTP it quotes there: a token in a header that is spelled wrong, for one.
        private readonly bool _quoting = category.EndsWith(".BadRequests", StringComparison.Ordinal);
        private readonly string _category = category.Split('.')[^1].ToLowerInvariant();

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
                owner.Write(logLevel, _category, formatter(state, exception), exception);
            }
        }
    }

    private LogSettings Settings => settings;
}
