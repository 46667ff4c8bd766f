using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Mayfly.Hosting.Logging;

/// <summary>How one line of a log looks. What is in it is escaped, so that a line is always one entry.</summary>
/// <param name="Time">When.</param>
/// <param name="Level">How much it matters.</param>
/// <param name="Part">Which part of the program says so.</param>
/// <param name="Message">What.</param>
/// <param name="Error">The failure that it is about, or null.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LogLine(DateTimeOffset Time, LogLevel Level, string Part, string Message, string? Error)
{
    private static readonly JsonWriterOptions JsonOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private string Moment => Time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private string Severity =>
        Level switch
        {
            LogLevel.Trace => "TRACE",
            LogLevel.Debug => "DEBUG",
            LogLevel.Information => "INFO",
            LogLevel.Warning => "WARN",
            _ => "ERROR",
        };

    /// <summary>In UTF-8, with the line break that ends it.</summary>
    public byte[] ToBytes(LogFormat format) => format == LogFormat.Json ? Json() : Text();

    private byte[] Text()
    {
        var text = new StringBuilder(Moment).Append(' ').Append($"[{Severity}]".PadRight(8)).Append(Part).Append(": ");
        AppendEscaped(text, Message);
        if (Error is not null)
        {
            AppendEscaped(text.Append(": error="), Error);
        }

        return Encoding.UTF8.GetBytes(text.Append('\n').ToString());
    }

    private byte[] Json()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, JsonOptions))
        {
            json.WriteStartObject();
            json.WriteString("@timestamp"u8, Moment);
            json.WriteString("@level"u8, Severity.ToLowerInvariant());
            json.WriteString("@module"u8, Part);
            json.WriteString("@message"u8, Message);
            if (Error is not null)
            {
                json.WriteString("error"u8, Error);
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
            // Refusals have several lines, and are to be read.
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
}
