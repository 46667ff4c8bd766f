using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Unicode;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Server.Http.Vault;

/// <summary>Reads a body into memory that is cleared after use, and checks its form once, so that nobody has to later.</summary>
internal static class RequestBody
{
    /// <summary>Largest body, as Vault's.</summary>
    public const int MaxBytes = 32 * 1024 * 1024;

    /// <summary>
    /// Most values that a body may have. In memory and in the audit a value takes many times its bytes in the body: without
    /// this limit, anybody could fill both.
    /// </summary>
    public const int MaxValues = 65_536;

    private static readonly JsonDocumentOptions Strict = new()
    {
        MaxDepth = Json.MaxDepth,
        AllowDuplicateProperties = false,
    };

    /// <summary>The body: a JSON object, or empty when there is none. The caller disposes it.</summary>
    public static async ValueTask<(SecretBytes? Body, Fault? Fault)> ReadAsync(
        PipeReader reader,
        long? contentLength,
        CancellationToken cancellation
    )
    {
        if (contentLength > MaxBytes)
        {
            return (null, TooLarge());
        }

        using var buffer = new SecretBufferWriter((int)Math.Clamp(contentLength ?? 0, 256, 64 * 1024));
        while (true)
        {
            var result = await reader.ReadAsync(cancellation);
            var fits = buffer.Written.Length + result.Buffer.Length <= MaxBytes;
            if (fits)
            {
                foreach (var segment in result.Buffer)
                {
                    buffer.Write(segment.Span);
                }
            }

            reader.AdvanceTo(result.Buffer.End);
            if (!fits)
            {
                return (null, TooLarge());
            }

            if (result.IsCompleted)
            {
                break;
            }
        }

        var body = buffer.Detach();
        if (Problem(body.Memory, out var empty) is { } problem)
        {
            body.Dispose();
            return (null, Fault.Invalid(problem));
        }

        if (empty)
        {
            body.Dispose();
            return (SecretBytes.Empty, null);
        }

        return (body, null);
    }

    /// <summary>Why these bytes are refused, or null. Messages hold nothing of the body.</summary>
    internal static string? Problem(ReadOnlyMemory<byte> body, out bool empty)
    {
        var bytes = body.Span.Trim(" \t\r\n"u8);
        empty = bytes.IsEmpty || bytes.SequenceCompareTo("null"u8) == 0;
        if (empty)
        {
            return null;
        }

        if (!Utf8.IsValid(bytes))
        {
            return "the body is not valid UTF-8";
        }

        if (bytes[0] != (byte)'{')
        {
            return "the body must be a JSON object";
        }

        var reader = new Utf8JsonReader(body.Span, Json.ReaderOptions);
        try
        {
            var values = 0;
            while (reader.Read())
            {
                if (
                    reader.TokenType
                        is not (JsonTokenType.PropertyName or JsonTokenType.EndObject or JsonTokenType.EndArray)
                    && ++values > MaxValues
                )
                {
                    return $"the body has more than {MaxValues} values";
                }

                if (reader is { TokenType: JsonTokenType.String or JsonTokenType.PropertyName, ValueIsEscaped: true })
                {
                    // Fails on half a surrogate pair, which would otherwise fail where the value is used.
                    using var unescaped = SecretBytes.Rent(reader.ValueSpan.Length);
                    reader.CopyString(unescaped.Span);
                }
            }
        }
        catch (JsonException) when (reader.CurrentDepth >= Json.MaxDepth)
        {
            return $"the body is nested deeper than {Json.MaxDepth} levels";
        }
        catch (JsonException e)
        {
            return $"the body is not valid JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1})";
        }
        catch (InvalidOperationException)
        {
            return "the body has a string that is not valid Unicode";
        }

        try
        {
            JsonDocument.Parse(body, Strict).Dispose();
            return null;
        }
        catch (JsonException)
        {
            return "the body has an object with the same key twice";
        }
    }

    private static Fault TooLarge() => Fault.TooLarge($"the body is larger than {MaxBytes} bytes");
}
