using System.Collections;

namespace Mayfly.Client.Redaction;

/// <summary>
/// Stands for an exception whose texts held secrets, in logs alone: the same message, stack trace, data and inner exceptions
/// without them. The exception itself stays as it is.
/// </summary>
#pragma warning disable CA1064, RCS1194 // Made by redaction alone.
public sealed class RedactedException : Exception
#pragma warning restore CA1064, RCS1194
{
    private readonly string _text;
    private readonly string? _stackTrace;

    internal RedactedException(Exception original, Redactor redactor, Exception? inner)
        : base(redactor.Redact(original.Message), inner)
    {
        OriginalType = original.GetType().FullName ?? original.GetType().Name;
        _text = redactor.Redact(original.ToString());
        _stackTrace = original.StackTrace is { } trace ? redactor.Redact(trace) : null;
        HResult = original.HResult;
        Source = original.Source is { } source ? redactor.Redact(source) : null;
        HelpLink = original.HelpLink is { } link ? redactor.Redact(link) : null;
        foreach (DictionaryEntry entry in original.Data)
        {
            Data[RedactedValue.Of(entry.Key, redactor) ?? Redactor.Mask] = RedactedValue.Of(entry.Value, redactor);
        }
    }

    /// <summary>The full name of the type of the exception that this one stands for.</summary>
    public string OriginalType { get; }

    /// <inheritdoc/>
    public override string? StackTrace => _stackTrace;

    /// <inheritdoc/>
    public override string ToString() => _text;

    /// <summary><paramref name="exception"/> itself when it is free of secrets, else what stands for it.</summary>
    internal static Exception? Of(Exception? exception, Redactor redactor) =>
        exception is not null && HasSecret(exception, redactor) ? Build(exception, redactor) : exception;

    private static RedactedException Build(Exception exception, Redactor redactor) =>
        new(exception, redactor, exception.InnerException is { } inner ? Build(inner, redactor) : null);

    private static bool HasSecret(Exception exception, Redactor redactor)
    {
        // Its own text holds those of inner exceptions, unless its type says otherwise.
        if (exception is RedactedException)
        {
            return false;
        }

        if (
            redactor.FindsSecretIn(exception.ToString())
            || redactor.FindsSecretIn(exception.Message)
            || redactor.FindsSecretIn(exception.Source)
            || redactor.FindsSecretIn(exception.HelpLink)
        )
        {
            return true;
        }

        foreach (DictionaryEntry entry in exception.Data)
        {
            if (RedactedValue.IsNeeded(entry.Key, redactor) || RedactedValue.IsNeeded(entry.Value, redactor))
            {
                return true;
            }
        }

        return exception is AggregateException many
            ? many.InnerExceptions.Any(inner => HasSecret(inner, redactor))
            : exception.InnerException is { } only && HasSecret(only, redactor);
    }
}
