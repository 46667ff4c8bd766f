using Mayfly.Client.Redaction;
using Mayfly.Client.Redaction.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;

namespace Mayfly.Client.OpenTelemetry;

/// <summary>Takes secrets out of log records: message, body, attributes and exception. Safe for concurrent use.</summary>
internal sealed class LogRedactionProcessor(Redactor redactor) : BaseProcessor<LogRecord>
{
    /// <inheritdoc/>
    public override void OnEnd(LogRecord data)
    {
        var message = data.FormattedMessage ?? data.Body ?? "";
        if (data.Attributes is { } attributes && LogFields.Of(attributes, message, redactor) is { } clean)
        {
            data.Attributes = clean;
        }

        if (data.FormattedMessage is { } formatted)
        {
            data.FormattedMessage = redactor.Redact(formatted);
        }

        if (data.Body is { } body)
        {
            data.Body = redactor.Redact(body);
        }

        data.Exception = RedactedException.Of(data.Exception, redactor);
    }
}
